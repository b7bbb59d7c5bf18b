"""The words of the pages that show pictures: each language has an object of this type, so that none can lack one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class PlotWords(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on the pages of a check, of several and of the incidents; {names} are filled by the pages."""

    # --- Measures
    ranges: Mapping[str, str]
    # Of a duration, the longest first: seconds and name.
    lengths: tuple[tuple[int, str], ...]
    units: Mapping[str, str]
    aspects: Mapping[str, str]
    states: Mapping[str, str]
    unwatched: str
    no_range: str

    # --- A check
    no_check: str
    range_menu: str
    since: str
    checked_at: str
    took: str
    why: str
    causes: str
    silenced: str
    evidence: str
    measured: str
    state_lane: str
    incident_lane: str
    silence_lane: str
    story_lane: str
    incident_title: str
    silence_title: str
    warning: str
    critical: str
    picture: str
    seen: str
    seen_nothing: str
    no_values: str
    figures: str
    at: str
    least: str
    mean: str
    greatest: str
    nothing_measured: str
    legend: str
    local_time: str
    incidents_meanwhile: str
    silences_meanwhile: str
    story_meanwhile: str
    nothing: str
    more: str

    # --- Availability
    availability: str
    availability_seen: str
    availability_unseen: str
    day_title: str
    day_part: str
    day: str
    up: str
    down: str
    unknown: str
    share: str
    bars_legend: str

    # --- Response times
    response: str
    duration: str
    response_of: str
    half: str
    most: str
    count: str
    spread_title: str
    hours_only: str

    # --- The last results, and the configuration
    last_results: str
    status: str
    values: str
    milliseconds: str
    configuration: str
    kind: str
    depends_on: str
    option: str
    value: str

    # --- The forecast
    forecast: str
    forecast_title: str
    forecast_seen: str
    forecast_none: str
    forecast_short: str
    forecast_legend: str
    now: str
    full: str
    available: str
    likely: str

    # --- Several checks
    compare: str
    compare_help: str
    choose: str
    show: str
    too_many: str
    unknown_check: str
    compare_this: str

    # --- The incidents
    incidents: str
    number: str
    checks: str
    began: str
    ended: str
    lasted: str
    owner: str
    acknowledged: str
    nobody: str
    ongoing: str
    search: str
    text: str
    any_check: str
    any_state: str
    is_open: str
    is_closed: str
    from_day: str
    to_day: str
    clear: str
    no_day: str
    no_state: str
    day_order: str
    no_number: str
    next_page: str
    first_page: str
    no_incidents: str
    none_found: str
    timeline: str
    timeline_title: str
    timeline_seen: str
    timeline_rest: str
