"""The Korean catalogue's lines of what models answer: whether that turned out to be true, and who they are asked of."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

# What follows a `#` the shell takes for a remark.
ROLLBACK = "sudo neuronova-model rollback {model_name} # {earlier_version}: 최근에 모델을 바꿨다면 이전 버전으로"
TITLES = {"feedback": "ML 모델 성능", "drift": "ML 입력 분포"}
_FIGURES = {
    "sensitivity": "민감도",
    "specificity": "특이도",
    "roc_auc": "AUC",
    "accuracy": "정확도",
    "brier": "브라이어 점수",
    "calibration_slope": "보정 기울기",
    "calibration_intercept": "보정 절편",
    "mae": "평균 절대 오차",
    "rmse": "평균 제곱근 오차",
    "coverage": "예측 구간 포함률",
}
_WORSE = (
    "ML 모델 성능: {figure} {{now}} (95% 구간 {{interval}}), 모델 카드의 {{card}}보다 나쁨"
    " - 최근 {{days}}일 예측 {{answered}}건 중 확인된 {{judged}}건, 버전 {{model_version}}"
)
_MORE = "확인된 예측이 한쪽에 치우치지 않았는지(예: 의심 사례만 확인) 먼저 보십시오"
_LOOK = "단위나 검사 장비가 바뀌었는지, 값을 보내는 쪽이 바뀌었는지 확인하십시오"
# The population stability index: how far one distribution is from another, and from where on it is usually taken for far.
FARTHEST = "가장 큰 분포 차이 PSI {psi}, 통상 0.25부터 큰 변화"
LINES: dict[tuple[str, str], Texts] = {
    **{("feedback", name): Texts(bad=_WORSE.format(figure=text), more=_MORE) for name, text in _FIGURES.items()},
    ("feedback", "figures"): Texts(
        "ML 모델 성능: 모델 카드와 같은 수준 (최근 {days}일 예측 {answered}건 중 확인된 {judged}건, 버전 {model_version})"
    ),
    ("feedback", "figures_few"): Texts(
        "ML 모델 성능: 판단하기에 확인된 예측이 적음 (최근 {days}일 예측 {answered}건 중 확인된 {judged}건, 버전 {model_version})"
    ),
    ("feedback", "figures_alone"): Texts(
        "ML 모델 성능: 모델 카드에 비교할 값이 없음 (확인된 예측 {judged}건, 버전 {model_version})"
    ),
    ("feedback", "figures_none"): Texts("ML 모델 성능: 보관된 예측 없음"),
    ("feedback", "off"): Texts(
        "ML 모델 성능: ML 서버가 예측 결과를 보관하지 않음 (ML_STATE_DIR 미설정)",
        bad="ML 모델 성능: ML 서버가 더 이상 예측 결과를 보관하지 않음 (ML_STATE_DIR 확인)",
    ),
    ("feedback", "refused"): Texts(bad="ML 모델 성능: 확인 불가 ({reason}){at_address}"),
    ("drift", "drifted"): Texts(
        bad="ML 입력 분포: 학습 데이터와 다름 - {entries} (최근 {people}명, {farthest}, 버전 {model_version})", more=_LOOK
    ),
    ("drift", "missing"): Texts(
        bad="ML 입력 누락: 값이 없는 비율이 학습 데이터와 다름 - {entries}"
        " (최근 {people}명, 누락 최대 {percent}%, 버전 {model_version})",
        more=_LOOK,
    ),
    ("drift", "answers"): Texts(
        bad="ML 예측 분포: 학습 때의 예측과 다름 (최근 {people}명, {farthest}, 버전 {model_version})", more=_LOOK
    ),
    ("drift", "inputs"): Texts("ML 입력 분포: 학습 데이터와 비슷함 (최근 {people}명, 버전 {model_version})"),
    ("drift", "inputs_few"): Texts("ML 입력 분포: 판단하기에 예측이 적음 (최근 {people}명, 버전 {model_version})"),
    ("drift", "inputs_alone"): Texts("ML 입력 분포: 모델 카드에 비교할 분포가 없음 (최근 {people}명, 버전 {model_version})"),
    ("drift", "inputs_none"): Texts("ML 입력 분포: 집계된 예측 없음"),
    ("drift", "off"): Texts(
        "ML 입력 분포: ML 서버가 입력을 집계하지 않음 (ML_STATE_DIR 미설정)",
        bad="ML 입력 분포: ML 서버가 더 이상 입력을 집계하지 않음 (ML_STATE_DIR 확인)",
    ),
    ("drift", "refused"): Texts(bad="ML 입력 분포: 확인 불가 ({reason}){at_address}"),
}
