//! The sample as a list of things that happened, in the order in which they would have.

use jotrack_core::{DAY_MS, Timestamp};

use super::content::{Sample, SampleJob};

const MINUTE_MS: i64 = 60_000;

/// Something the imagined user did to one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Entered the job with its first status.
    Create,
    /// Added the job description.
    Describe,
    /// Added the résumé version of this position in the list.
    AddResume(usize),
    /// Prepared the application with the coach.
    Prepare,
    /// Added the cover letter.
    AddLetter,
    /// Moved the job to the status of this position in its history.
    Move(usize),
    /// Looked at a step of the coach.
    Coach,
    /// Archived the job.
    Archive,
    /// Moved the job to the trash.
    Trash,
}

/// A deed with its time and the job's position in the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) job: usize,
    pub(super) deed: Deed,
}

/// Returns all events of the sample, oldest first, counted back from `now`.
pub(super) fn events(sample: &Sample, now: Timestamp) -> Vec<Event> {
    let mut events: Vec<Event> = sample
        .jobs
        .iter()
        .enumerate()
        .flat_map(|(index, job)| {
            deeds(job).into_iter().enumerate().map(move |(place, (days_ago, deed))| Event {
                at: instant(now, days_ago, index, place),
                job: index,
                deed,
            })
        })
        .collect();
    events.sort_unstable();
    events
}

/// Returns what happened to one job with the days it happened before today, in order.
fn deeds(job: &SampleJob) -> Vec<(i64, Deed)> {
    let days = |index: usize| job.history.get(index).map_or(0, |row| row.days_ago);
    let mut deeds = vec![(days(0), Deed::Create), (days(0), Deed::Describe)];
    for (i, resume) in job.resume.iter().enumerate() {
        deeds.push((resume.days_ago, Deed::AddResume(i)));
    }
    if job.coach.as_ref().is_some_and(|coach| coach.prepared.is_some()) {
        let resume_days = job.resume.last().map_or(days(0), |resume| resume.days_ago);
        deeds.push((resume_days, Deed::Prepare));
    }
    if let Some(letter) = &job.cover_letter {
        deeds.push((letter.days_ago, Deed::AddLetter));
    }
    deeds.extend((1..job.history.len()).map(|i| (days(i), Deed::Move(i))));
    if job.coach.is_some() {
        let last = deeds.iter().map(|(days_ago, _)| *days_ago).min().unwrap_or(0);
        deeds.push((last, Deed::Coach));
    }
    deeds.extend(job.archived_days_ago.map(|days_ago| (days_ago, Deed::Archive)));
    deeds.extend(job.trashed_days_ago.map(|days_ago| (days_ago, Deed::Trash)));
    deeds.sort_by_key(|(days_ago, _)| std::cmp::Reverse(*days_ago));
    deeds
}

/// Spreads the events over the working hours of their day; later deeds of a job come later.
fn instant(now: Timestamp, days_ago: i64, job: usize, place: usize) -> Timestamp {
    let minutes = i64::try_from(480 - job * 37 % 400).unwrap_or(0);
    let later = i64::try_from(place * 4).unwrap_or(0);
    now.plus_ms(-days_ago * DAY_MS - (minutes - later) * MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    #[test]
    fn every_job_begins_with_its_creation_and_nothing_lies_ahead() {
        let sample = Sample::load().unwrap();

        let events = events(&sample, NOW);

        assert!(events.iter().all(|event| event.at < NOW));
        for job in 0..sample.jobs.len() {
            let own: Vec<&Event> = events.iter().filter(|event| event.job == job).collect();
            assert_eq!(own[0].deed, Deed::Create);
            assert!(own.windows(2).all(|pair| pair[0].at < pair[1].at));
            let moves: Vec<Deed> =
                own.iter().map(|e| e.deed).filter(|d| matches!(d, Deed::Move(_))).collect();
            assert!(moves.is_sorted());
        }
    }

    #[test]
    fn resume_is_there_before_the_application_is_sent() {
        let sample = Sample::load().unwrap();

        let deeds = deeds(&sample.jobs[0]);

        let place = |deed| deeds.iter().position(|(_, other)| *other == deed).unwrap();
        assert!(place(Deed::AddResume(1)) < place(Deed::Move(1)));
        assert!(place(Deed::AddLetter) < place(Deed::Move(1)));
    }
}
