//! The sample itself: read from the TOML files of `graphql/demo/`, whose people and companies are
//! invented.

use anyhow::{Context as _, Result};
use jotrack_core::{AnswerInput, CoachStep, DiscoveryQuestion, JobStatus};
use serde::Deserialize;

use super::documents::{Document, Format};

const PEOPLE: &str = include_str!("../../../demo/people.toml");
const COACH: &str = include_str!("../../../demo/coach.toml");
const JOBS: [&str; 2] =
    [include_str!("../../../demo/jobs_open.toml"), include_str!("../../../demo/jobs_closed.toml")];

/// Everything the sample holds.
#[derive(Debug)]
pub struct Sample {
    /// The applications.
    pub jobs: Vec<SampleJob>,
    /// What the coach asked and learned.
    pub coach: SampleCoach,
    people: Vec<Person>,
}

/// One application with its history and documents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleJob {
    /// Company name.
    pub company: String,
    /// Job title.
    pub title: String,
    /// Place of work.
    pub location: String,
    /// Address of the posting, below the reserved domain `.example`.
    pub posting_url: String,
    /// Where the posting was found.
    pub source: String,
    /// The user's notes.
    pub notes: Option<String>,
    /// Statuses in order; the first is the one the job is created with.
    pub history: Vec<HistoryRow>,
    /// When it was archived.
    pub archived_days_ago: Option<i64>,
    /// When it was moved to the trash.
    pub trashed_days_ago: Option<i64>,
    /// The job description.
    pub jd: JobDescription,
    /// Résumés in the order of their versions.
    #[serde(default)]
    pub resume: Vec<ResumeVersion>,
    /// The letter that was sent.
    pub cover_letter: Option<CoverLetter>,
    /// How far the coach has come.
    pub coach: Option<CoachPlace>,
}

/// One entry of a status history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryRow {
    /// The status entered.
    pub status: JobStatus,
    /// When, counted back from today.
    pub days_ago: i64,
    /// What the user wrote about it.
    pub note: Option<String>,
}

/// A job description and the format it came in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobDescription {
    format: Format,
    text: String,
}

/// A résumé version: whose, in which variant, in which format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeVersion {
    person: String,
    variant: String,
    format: Format,
    /// When it was added.
    pub days_ago: i64,
}

/// A cover letter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverLetter {
    format: Format,
    text: String,
    /// When it was added.
    pub days_ago: i64,
}

/// Where the coach of a job stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoachPlace {
    /// How far it came before the application was sent; not at all when absent.
    pub prepared: Option<Prepared>,
    /// The step the user looked at last.
    pub step: CoachStep,
}

/// How far the coach helped to prepare an application. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Prepared {
    /// It asked, and the first question is answered.
    Asked,
    /// All is answered and a profile made of it.
    Profiled,
    /// The match was scored anew.
    Scored,
    /// The résumé is final.
    Final,
}

/// What the coach asked and learned, the same for every job of the sample.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleCoach {
    question: Vec<SampleQuestion>,
    /// The profile made of the answers.
    pub profile: serde_json::Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleQuestion {
    id: String,
    category: String,
    question: String,
    rationale: String,
    target_skill: Option<String>,
    word_limit: u32,
    answer: String,
}

impl SampleCoach {
    /// Returns the questions as the coach asks them.
    #[must_use]
    pub fn questions(&self) -> Vec<DiscoveryQuestion> {
        let questions = self.question.iter().map(|question| DiscoveryQuestion {
            id: question.id.clone(),
            category: question.category.clone(),
            question: question.question.clone(),
            rationale: Some(question.rationale.clone()),
            target_skill: question.target_skill.clone(),
            word_limit: Some(question.word_limit),
        });
        questions.collect()
    }

    /// Returns the answers to the first `count` questions.
    #[must_use]
    pub fn answers(&self, count: usize) -> Vec<AnswerInput> {
        let answers = self.question.iter().take(count).map(|question| AnswerInput {
            question_id: question.id.clone(),
            answer: Some(question.answer.clone()),
            skipped: false,
        });
        answers.collect()
    }
}

/// A file of the sample, written and ready for upload.
#[derive(Debug)]
pub struct SampleFile {
    /// Its name.
    pub filename: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    job: Vec<SampleJob>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct People {
    person: Vec<Person>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    id: String,
    resume: String,
    variant: Vec<Variant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    id: String,
    summary: String,
    skills: Vec<Vec<String>>,
    bullets: Vec<String>,
}

impl Sample {
    /// Reads the sample that is built into the program.
    ///
    /// # Errors
    /// When the built-in files break their own form, which a test rules out.
    pub fn load() -> Result<Self> {
        let people: People = toml::from_str(PEOPLE).context("people of the sample")?;
        let mut jobs = Vec::new();
        for text in JOBS {
            let part: Jobs = toml::from_str(text).context("jobs of the sample")?;
            jobs.extend(part.job);
        }
        let coach = toml::from_str(COACH).context("coach of the sample")?;
        Ok(Self { jobs, coach, people: people.person })
    }

    /// Writes the description of a job as a file.
    ///
    /// # Errors
    /// When the file cannot be written, see [`Document::write`].
    pub fn description(&self, job: &SampleJob) -> Result<SampleFile> {
        let JobDescription { format, text } = &job.jd;
        let text = format!("# {}\n\n{} · {}\n\n{text}", job.title, job.company, job.location);
        file(&format!("{} {}", job.company, job.title), &Document::parse(&text), *format)
    }

    /// Writes one résumé version as a file.
    ///
    /// # Errors
    /// When the sample names a person or variant that does not exist.
    pub fn resume(&self, version: &ResumeVersion) -> Result<SampleFile> {
        let person = self
            .people
            .iter()
            .find(|person| person.id == version.person)
            .with_context(|| format!("no person {} in the sample", version.person))?;
        let variant =
            person.variant.iter().find(|variant| variant.id == version.variant).with_context(
                || format!("{} has no variant {}", version.person, version.variant),
            )?;
        let document = Document::parse(&filled(&person.resume, variant));
        file(&format!("{} {}", document.title, variant.id), &document, version.format)
    }

    /// Writes a cover letter as a file.
    ///
    /// # Errors
    /// When the file cannot be written, see [`Document::write`].
    pub fn cover_letter(&self, job: &SampleJob, letter: &CoverLetter) -> Result<SampleFile> {
        let text = format!("# {}\n\n{}\n\n{}", job.title, job.company, letter.text);
        file(&format!("Letter {}", job.company), &Document::parse(&text), letter.format)
    }
}

/// Puts a variant into the places of the résumé that wait for it.
fn filled(resume: &str, variant: &Variant) -> String {
    let table: String =
        variant.skills.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    let bullets: Vec<String> = variant.bullets.iter().map(|item| format!("- {item}")).collect();
    resume
        .replace("{{summary}}", &variant.summary)
        .replace("{{skills}}", table.trim_end())
        .replace("{{bullets}}", &bullets.join("\n"))
}

fn file(name: &str, document: &Document, format: Format) -> Result<SampleFile> {
    let mut stem = String::new();
    for c in name.chars() {
        match c {
            c if c.is_alphanumeric() || c == '+' => stem.push(c),
            _ if stem.ends_with('-') => {}
            _ => stem.push('-'),
        }
    }
    let filename = format!("{}.{}", stem.trim_matches('-'), format.extension());
    Ok(SampleFile { filename, bytes: document.write(format)? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sample_shows_every_status_and_every_format() {
        let sample = Sample::load().unwrap();

        let statuses: BTreeSet<i32> = sample
            .jobs
            .iter()
            .filter_map(|job| job.history.last())
            .map(|row| row.status.number())
            .collect();
        let descriptions: BTreeSet<Format> = sample.jobs.iter().map(|job| job.jd.format).collect();
        let resumes: BTreeSet<Format> =
            sample.jobs.iter().flat_map(|job| &job.resume).map(|resume| resume.format).collect();
        assert_eq!(statuses.len(), JobStatus::ALL.len());
        assert_eq!(descriptions.len(), Format::ALL.len());
        assert_eq!(resumes.len(), Format::ALL.len());
        assert!(sample.jobs.iter().any(|job| job.archived_days_ago.is_some()));
        assert!(sample.jobs.iter().any(|job| job.trashed_days_ago.is_some()));
        assert!(sample.jobs.iter().any(|job| job.resume.len() > 1));
    }

    #[test]
    fn every_file_of_the_sample_can_be_written() {
        let sample = Sample::load().unwrap();

        for job in &sample.jobs {
            let description = sample.description(job).unwrap();
            assert!(description.bytes.len() > 800, "{}", description.filename);
            for resume in &job.resume {
                let resume = sample.resume(resume).unwrap();
                let text = String::from_utf8_lossy(&resume.bytes).into_owned();
                assert!(!text.contains("{{"), "{}", resume.filename);
            }
            if let Some(letter) = &job.cover_letter {
                sample.cover_letter(job, letter).unwrap();
            }
        }
    }

    #[test]
    fn histories_run_forwards_and_end_before_today() {
        for job in Sample::load().unwrap().jobs {
            let days: Vec<i64> = job.history.iter().map(|row| row.days_ago).collect();
            assert!(days.windows(2).all(|pair| pair[0] > pair[1]), "{}", job.title);
            assert!(days.iter().all(|days| *days > 0), "{}", job.title);
        }
    }
}
