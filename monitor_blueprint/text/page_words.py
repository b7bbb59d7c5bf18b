"""The words of the pages: each language has an object of this type, so that none can lack one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class PageWords(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the pages besides what checks, people and the monitor say; the templates fill {places}."""

    # --- On every page
    title: str
    skip: str
    navigation: str
    overview: str
    incidents: str
    silences: str
    graphs: str
    sign_out: str
    away: str
    go_back: str
    never: str
    check: str
    status: str
    since: str
    withheld: str
    # --- The sign-in
    sign_in: str
    name: str
    name_hint: str
    credential: str
    credential_hint: str
    not_enough: str
    # --- The overview: its head
    summary_bad: str
    summary_ok: str
    summary_stale: str
    not_well: str
    and_more: str
    affected: str
    last_seen: str
    stalled: str
    stopped: str
    first: str
    server: str
    last_check: str
    no_check: str
    every: str
    monitor: str
    current_incident: str
    open_incident: str
    owned: str
    owned_since: str
    taken: str
    nobody: str
    # --- The overview: its checks
    since_for: str
    next: str
    commands: str
    own_runbook: str
    acknowledge: str
    silence: str
    check_now: str
    silenced_failures: str
    well: str
    none_well: str
    no_result: str
    content: str
    day_range: str
    month_availability: str
    watched: str
    lasting: str
    left_out: str
    # --- The overview: its channels, silences, story and incidents
    channels: str
    channel: str
    pending: str
    delivered: str
    problem: str
    next_try: str
    no_channel: str
    test_alert: str
    check_all: str
    silence_or_maintenance: str
    silence_line: str
    end_silence: str
    story: str
    recent_incidents: str
    number: str
    began: str
    ended: str
    ongoing: str
    no_incidents: str
    # --- An incident
    incident: str
    no_such_incident: str
    to_do: str
    note: str
    note_too: str
    add_note: str
    release: str
    course: str
    moment: str
    kind: str
    delivery: str
    no_channel_then: str
    measured: str
    operation: str
    evidence: str
    nothing: str
    # --- Silences and maintenance
    wrong_fields: str
    silence_now: str
    which: str
    all_checks: str
    why: str
    why_hint: str
    how_long: str
    or_until: str
    in_zone: str
    maintenance_plan: str
    begins: str
    ends: str
    plan: str
    active_silences: str
    no_silence: str
    weekly: str
    weekly_hint: str
    window_open: str
    # --- A test alert
    trial_pending: str
    fine: str
    failed: str
    # --- By what it is
    units: tuple[tuple[int, str], ...]
    channel_health: Mapping[str, str]
    event_kinds: Mapping[str, str]
    deliveries: Mapping[str, str]
    said: Mapping[str, str]
    refusals: Mapping[str, str]
    problems: Mapping[str, str]
