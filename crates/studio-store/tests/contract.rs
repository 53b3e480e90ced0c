//! The rules that every back end of the store has to keep: one story for each.
//!
//! A story takes a way to get a fresh database, so that another back end can be put under all of them.

#![expect(clippy::unwrap_used, reason = "all of this is a test, its helpers included")]

#[path = "support/fixture.rs"]
mod fixture;

#[path = "contract/artefacts.rs"]
mod artefacts;
#[path = "contract/attended.rs"]
mod attended;
#[path = "contract/audit.rs"]
mod audit;
#[path = "contract/batches.rs"]
mod batches;
#[path = "contract/cancel.rs"]
mod cancel;
#[path = "contract/claim.rs"]
mod claim;
#[path = "contract/finish.rs"]
mod finish;
#[path = "contract/inputs.rs"]
mod inputs;
#[path = "contract/keys.rs"]
mod keys;
#[path = "contract/list.rs"]
mod list;
#[path = "contract/logs.rs"]
mod logs;
#[path = "contract/lose.rs"]
mod lose;
#[path = "contract/models.rs"]
mod models;
#[path = "contract/projects.rs"]
mod projects;
#[path = "contract/registrations.rs"]
mod registrations;
#[path = "contract/retention.rs"]
mod retention;
#[path = "contract/submit.rs"]
mod submit;
#[path = "contract/users.rs"]
mod users;
#[path = "contract/webhooks.rs"]
mod webhooks;
#[path = "contract/workers.rs"]
mod workers;

use studio_store::Db;

/// Runs stories against one back end.
macro_rules! stories {
    ($fresh:expr; $($topic:ident: $($story:ident)+;)+) => {
        $(mod $topic {
            $(#[test]
            fn $story() {
                crate::$topic::$story(&mut crate::fixture::Fixture::new($fresh));
            })+
        })+
    };
}

fn in_memory() -> Db {
    Db::open_in_memory().unwrap()
}

mod sqlite {
    stories! { crate::in_memory();
        submit:
            jobs_wait_in_the_order_of_submission
            an_unknown_or_disabled_model_is_refused_and_nothing_is_stored
            a_model_of_another_kind_is_refused
            an_empty_or_huge_submission_is_refused
            a_repeated_request_gets_the_first_answer
            the_same_key_with_another_body_is_a_conflict
            a_refused_request_leaves_its_key_free
            forgotten_keys_can_be_used_again;
        claim:
            a_job_is_claimed_once
            accepting_is_repeatable_and_only_for_the_current_claim
            a_job_that_is_given_back_keeps_its_place_and_counts_nothing
            only_what_a_worker_may_answer_later_is_kept
            open_work_is_what_a_scheduler_starts_with;
        finish:
            a_result_is_committed_once
            a_result_may_overtake_its_acceptance
            a_late_result_changes_nothing
            a_stranger_never_held_it
            without_an_attempt_the_current_claim_is_meant
            results_come_in_the_form_of_their_kind
            a_retryable_failure_is_tried_again_until_the_attempts_are_spent
            a_failure_for_good_ends_at_once
            a_failure_that_is_reported_twice_counts_once
            a_long_error_is_cut;
        lose:
            a_lost_job_waits_again
            two_lost_workers_quarantine_it_with_both_reasons
            one_worker_may_lose_it_a_few_times
            a_retry_wipes_the_slate;
        cancel:
            a_waiting_job_is_cancelled
            a_held_job_tells_who_must_stop
            what_ended_stays_ended
            only_jobs_without_a_result_are_retried
            a_retry_needs_its_model
            priority_changes_while_a_job_is_open;
        attended:
            what_is_left_of_the_former_run_is_called_off;
        batches:
            counts_follow_the_jobs
            the_end_of_a_batch_is_the_end_of_its_last_job
            a_batch_is_cancelled_and_retried_as_a_whole
            batches_are_listed_newest_first;
        artefacts:
            an_artefact_belongs_to_its_job
            a_second_upload_changes_nothing
            artefacts_are_listed_by_batch
            artefacts_are_listed_by_what_made_them;
        list:
            pages_follow_each_other_without_gaps
            a_page_back_holds_what_came_next
            filters_hold_together
            text_is_found_literally
            a_detail_has_task_history_and_result;
        logs:
            lines_are_kept_in_order_and_bounded;
        workers:
            a_removed_worker_gives_its_jobs_back
            what_is_heard_of_a_worker_is_kept
            a_worker_is_renamed_and_paused;
        registrations:
            an_operator_lets_a_machine_in
            each_poll_rotates_the_token
            the_same_install_waits_once
            a_refusal_carries_its_reason
            a_decision_is_final
            a_join_code_approves_at_once
            a_join_code_is_good_for_its_uses_and_its_time
            a_removed_worker_is_unknown_to_its_poll;
        models:
            seeds_are_put_in_once
            a_model_with_open_jobs_stays
            a_changed_model_is_seen_by_waiting_jobs
            nonsense_is_refused;
        inputs:
            a_job_names_inputs_of_its_own_project_only
            an_input_stays_while_a_job_may_want_it;
        retention:
            old_artefacts_go_and_their_jobs_stay
            old_jobs_go_with_everything_and_batches_keep_their_counts
            the_newest_job_keeps_its_place_in_the_order
            bytes_that_another_row_names_stay;
        webhooks:
            each_end_of_a_job_is_told_once
            a_batch_is_told_when_its_last_job_ends
            a_webhook_hears_of_what_it_asked_for
            a_try_that_fails_comes_again_until_it_is_given_up
            the_log_of_deliveries_is_bounded
            a_webhook_is_changed_in_parts;
        projects:
            a_project_is_made_changed_and_removed_when_it_is_empty
            a_quota_is_all_or_nothing_and_follows_what_waits
            the_queue_is_held_and_goes_on
            a_job_is_moved_within_its_line
            one_action_on_many_jobs_tells_what_came_of_each
            several_states_are_listed_newest_first_with_the_counts_of_all
            limits_of_a_worker_are_kept
            minutes_are_kept_and_forgotten;
        keys:
            a_key_is_found_by_its_hash_until_it_is_revoked
            the_last_admin_key_stays
            a_key_that_ends_is_no_admin_for_good
            the_last_use_of_a_key_is_kept;
        users:
            a_name_is_taken_whatever_its_case
            only_the_first_user_is_made_by_the_link
            somebody_who_may_administer_stays
            a_session_ends_with_what_it_rests_on
            a_sign_in_that_was_overtaken_is_refused
            another_password_ends_every_session_but_the_new_one
            sessions_grow_old_and_make_room;
        audit:
            the_same_thing_in_a_row_is_one_line
            lines_are_found_by_actor_and_action
            the_log_is_bounded;
    }
}
