"""The Korean catalogue: the words of the pages."""

from __future__ import annotations

from monitor_blueprint.text.page_words import PageWords

# What each language is called by those who speak it.
LANGUAGES = {"ko": "한국어", "en": "English"}
WORDS = PageWords(
    title="NeuroNova 모니터",
    skip="본문으로 건너뛰기",
    navigation="주 메뉴",
    overview="개요",
    incidents="장애",
    silences="알림 중지",
    graphs="그래프",
    sign_out="로그아웃",
)
