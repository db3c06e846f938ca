"""Which test follows each remedy that is printed: `file::test`, below tests/, or `by hand: why none can`.

A new no-go of the plan, or a new gate, gets a line here. Most no-gos need no more than a case in
tests/integration/migration/plan/remedies.sql: the remedy is followed as it is printed, and the service moved.
"""

from __future__ import annotations

_PLAN = "integration/migration/plan/test_remedies.py::"
_TOGETHER = _PLAN + "test_all_remedies_together_lead_to_a_move"
_GATES = "integration/migration/gates/test_gates_sessions.py::"
_FOLLOWING = "integration/migration/gates/test_gates.py::"
_CASES = "acceptance/test_cases.py::test_a_case_moves_both_ways_or_is_refused"
_RESTORE = "integration/operations/test_backup_restore.py::"
_OLDER = "acceptance/test_older_guards.py::"
_QUERIES = "integration/migration/gates/test_runtime_queries.py::"
_ORPHANS = "integration/migration/plan/test_key_orphans.py::"
_NEEDS = "integration/migration/plan/test_runtime_needs.py::"
_NEWER = "integration/migration/schema/test_peers_schemas.py::"
_NEWER += "test_what_a_newer_server_refuses_is_a_no_go_whose_remedy_works"
_TARGETS = "integration/migration/plan/test_plan_targets.py::"
_LOCALE = "integration/migration/plan/test_plan_locale.py::"
_RIGHTS = "integration/migration/examine/test_rights_row_security.py::"
_OTHER_BUILD = "by hand: another build of PostgreSQL, or a package on the server's machine"
_SOMEBODY = "by hand: the text is written otherwise, by who knows what it is for"
_ITSELF = "by hand: nothing is to be changed; it passes by itself, or the verb that it names does it"

NO_GOS = {
    "examine.huge_rows._problem": "by hand: what is kept in one row has to be kept otherwise",
    "examine.application_settings._problems": "integration/core/test_application_settings.py::"
    "test_what_objects_write_by_another_locale_is_refused",
    "plan.make._moved_twice": _PLAN + "test_a_table_that_two_services_ask_for_goes_to_one",
    "plan.make._service_plan": "by hand: a `reference` that cannot be had becomes another action",
    "plan.make._undecided_elsewhere": _PLAN + "test_what_another_service_needs_is_pasted_there",
    "plan.builds._collations": _OTHER_BUILD,
    "plan.builds._unmet": _PLAN + "test_a_compression_is_taken_back_as_printed",
    "plan.builds._unmet 2": _OTHER_BUILD,
    "plan.builds._unmet 3": _OTHER_BUILD,
    "plan.builds.build_problems": _OTHER_BUILD,
    "plan.checks._boundary": _TOGETHER,
    "plan.checks._left_behind": _PLAN + "test_a_pending_detachment_is_finished_as_printed",
    "plan.checks.object_problems": _TOGETHER,
    "plan.checks._tables": "by hand: another partition key is a table made anew, with its rows",
    "plan.checks.service_problems": _PLAN + "test_a_schema_that_is_missing_is_made_as_printed",
    "plan.checks.source_problems": "by hand: an upgrade of the shared server",
    "plan.checks.source_problems 2": _PLAN + "test_room_for_locks_is_made_as_printed",
    "plan.judge.locale._text_search": _LOCALE
    + "test_another_text_search_configuration_is_refused_by_its_parameter",
    "plan.judge.locale.locale_problems": _LOCALE + "test_what_the_plan_prints_for_services_yaml_settles_it",
    "plan.readback.readback_problems": _SOMEBODY,
    "plan.judge.rights._row_security": _RIGHTS + "test_the_services_role_sees_what_the_common_role_saw",
    "plan.judge.rights._row_security 2": _RIGHTS + "test_the_services_role_sees_what_the_common_role_saw",
    "examine.event_trigger_probe._problem": "by hand: what it asks for differs from trigger to trigger",
    "examine.key_orphans._examined": _ORPHANS
    + "test_a_partitioned_tables_orphans_are_to_be_mended_before_18",
    "examine.ran._problem": _SOMEBODY,
    "plan.judge.replica_mode.replica_mode_problems": _CASES,
    "examine.generated_values._depends": _CASES,
    "examine.computed_there._no_go": "integration/migration/examine/test_computed_there.py::"
    "test_what_the_other_version_computes_otherwise_is_refused_and_mended",
    "examine.generated_values._problem": _CASES,
    "plan.judge.column_order.column_order_problems": "by hand: its statements are to name the columns",
    "plan.checks.object_problems 2": _CASES,
    "plan.checks._tables 2": _CASES,
    "examine.applications.application_problems": _NEEDS
    + "test_objects_of_nobodys_schema_go_along_by_the_printed_rules",
    "plan.judge.circles.circle_problems": _NEWER,
    "plan.judge.extensions._elsewhere": "by hand: `pulumi up` makes the extensions of services.yaml",
    "plan.judge.extensions._elsewhere 2": "by hand: a superuser of the service's own server moves it",
    "plan.judge.extensions._without_files": _TARGETS
    + "test_statements_that_do_without_uuid_ossp_are_printed_and_work",
    "plan.judge.extensions.extension_problems": "by hand: `pulumi up` makes the extensions of services.yaml",
    "plan.judge.extensions.extension_problems 2": _OTHER_BUILD,
    "plan.judge.identity.identity_problems": _TOGETHER,
    "plan.judge.keywords.keyword_problems": _NEWER,
    "plan.judge.named.named_problems": _TOGETHER,
    "plan.judge.paths._clock": _TOGETHER,
    "plan.judge.shifting.shifting_problems": _TOGETHER,
    "plan.judge.shifting.shifting_problems 2": _TOGETHER,
    "plan.bare_names.no_go": _TOGETHER,
    "plan.judge.session_paths._writes": "by hand: tests/cases/event-trigger-writes-a-table.sql follows it",
    "plan.versions._generated": _NEWER,
    "plan.targets._server": "by hand: `pulumi up` with another version",
    "plan.targets._server 2": "by hand: a database of another encoding is another database",
    "plan.renames.plan_problems": _SOMEBODY,
    "plan.renames.plan_problems 2": "by hand: one of two wishes of services.yaml is given up",
}
"""`package.module.function`, with a number where it makes several."""

GATES = {
    "sign-off": "acceptance/test_team.py::test_a_stage_that_is_to_be_signed_waits_for_the_signature",
    "proof": _RESTORE + "test_a_proof_reads_all_of_it_and_is_kept_with_the_backup",
    "advisory-locks": "by hand: the application takes another kind of lock",
    "always-triggers": _GATES + "test_what_a_gate_prints_opens_it",
    "disk": "by hand: room on a disk",
    "gateway": _FOLLOWING + "test_a_paused_gateway_is_no_go_and_resume_is_what_helps",
    "guards": _OLDER + "test_every_verb_that_changes_a_service_brings_its_guards_up_to_date",
    "idle-in-transaction": "by hand: the application commits",
    "keeping-up": "by hand: fewer writes at a time, or a key for the table that is slow to apply",
    "lag": _ITSELF,
    "large-objects": "by hand: another type of column, or `--stop-writes`",
    "listen": "by hand: the application connects elsewhere",
    "long-reports": _ITSELF,
    "long-transactions": _GATES + "test_what_a_gate_prints_opens_it",
    "plan": _TOGETHER,
    "performance": "integration/operations/load/test_load.py::"
    "test_both_sides_are_compared_and_the_gate_reads_it",
    "rehearsal": "acceptance/test_rehearsal.py::test_a_rehearsal_foretells_and_leaves_nothing",
    "newer-values": "integration/migration/replicate/test_stopped.py::"
    "test_what_is_refused_is_left_out_one_by_one",
    "pool-mode": "by hand: a setting of the gateway, which `pulumi up` makes",
    "prepared-transactions": _GATES + "test_what_a_gate_prints_opens_it",
    "reference-types": "by hand: what changed is said, and the statement with it",
    "references": _ITSELF,
    "rename-bound": "by hand: somebody's publication or extension is made anew",
    "rename-perhaps": "by hand: a text is read by a person",
    "rename-references": "by hand: a rule of services.yaml is given up",
    "rename-statements": "by hand: the application sends other statements",
    "rename-texts": _SOMEBODY,
    "rename-unseen": "by hand: CREATE EXTENSION, and a day of statements",
    "replica-identity": "by hand: a primary key is a choice",
    "retry-interval": _GATES + "test_what_a_gate_prints_opens_it",
    "round-the-gateway": "by hand: the application connects elsewhere",
    "runtime-queries": _QUERIES + "test_a_rule_of_services_yaml_allows_a_statement_on_purpose",
    "runtime-names": _NEEDS + "test_objects_of_nobodys_schema_go_along_by_the_printed_rules",
    "schema-changes": "acceptance/test_carried_changes.py::"
    "test_what_waits_and_what_was_refused_is_seen_until_a_verification",
    "schema": _FOLLOWING + "test_a_changed_schema_is_named_by_its_statement_and_not_skipped",
    "session-state": "by hand: a statement of the application",
    "session-settings": "by hand: the stack's takenOver, or the application",
    "gateway-version": "by hand: another PgBouncer",
    "state": _ITSELF,
    "temporary-tables": "by hand: the application makes them otherwise",
    "transactions": "by hand: the application commits the two writes apart",
    "unlogged": _GATES + "test_what_a_gate_prints_opens_it",
    "verification": _ITSELF,
    "wal": _ITSELF,
    "wal-level": "by hand: a restart of the shared server",
    "workers": "by hand: a restart of the server",
}
