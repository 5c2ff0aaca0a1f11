//! Three resumes of one profession against three postings of rising demand.

use super::*;

const LOW_RESUME: &str = "\
Robin Vale
Shop assistant with an interest in computers.

Experience
Shop assistant, Corner Books, 2023 - 2024
- Sold books and kept the shelves in order.
- Helped visitors to find what they were looking for.

Education
Evening class in Python, 2024

Skills
Spreadsheets, Python
";

const MIDDLE_RESUME: &str = "\
Kim Arbour
Software Developer, remote

Experience
Software Developer, Pinewood Payments (fintech), Jan 2022 - present
- Build REST APIs in Python and Django over PostgreSQL.
- Work closely with a team of 5 engineers in an agile process; present results in reviews.
- Solved slow queries and improved response times by 20%.
Junior Developer, Harbour Apps, 2020 - 2022
- Wrote Python services and unit tests, deployed with Docker.

Education
Bachelor of Science in computer science, 2020

Skills
Python, Django, PostgreSQL, Docker, Git, Linux
";

const HIGH_RESUME: &str = "\
Ada Winter
Lead Software Engineer, remote, 10 years of experience

Experience
Lead Software Engineer, Northlight Bank (fintech), Mar 2020 - present
- Lead a team of 9 engineers; mentored 6 of them to promotion and hired 4 people.
- Own the payment platform in Python and Go on Kubernetes and AWS: 3 million users, 12 services.
- Introduced continuous delivery with Terraform and Docker; cut incidents by 45% and costs by $2 million.
- Solved the root cause of outages with 8 teams; availability rose to 99.99%.
- Presented the architecture to customers and stakeholders; wrote the documentation.
- Drove quality: code review, testing, coding standards, compliance with PCI, agile sprints.
Senior Software Engineer, Northlight Bank, 2016 - 2020
- Built Python microservices with Django, Kafka, PostgreSQL and Redis for 40 countries.
- Prioritized a roadmap with product teams and delivered every release on schedule.
- Adapted quickly in a fast paced team; learned and taught machine learning prototypes.
Software Engineer, Lakeside Labs, 2014 - 2016
- Python, SQL and Linux for customer dashboards used by 200 customers.

Education
Master of Science in computer science, University of Lakeside, 2014
AWS certified solutions architect, certified Kubernetes administrator

Skills
Python, Go, SQL, Django, Kafka, PostgreSQL, Redis, Docker, Kubernetes, AWS, Terraform, CI/CD, Git, Linux
Ownership, transparency, integrity
";

const LOW_JD: &str = "\
Junior Developer

You help our team with small Python scripts. We teach you the rest.
";

const MIDDLE_JD: &str = "\
Software Engineer (remote)

Requirements
- 3+ years of experience with Python and Django
- PostgreSQL and Docker
- Bachelor's degree or equivalent experience
- Communication and problem solving in an agile team

Nice to have
- AWS, Kubernetes
";

const HIGH_JD: &str = "\
Lead Software Engineer (remote)

You lead a team of 8 engineers and own our payment platform for millions of users.

Requirements
- 8+ years of experience with Python, and experience with Go
- Kubernetes, AWS, Terraform and CI/CD at large scale
- PostgreSQL, Redis and Kafka
- Master's degree in computer science
- Leadership: mentoring, hiring, stakeholder communication
- Fintech experience; PCI compliance and quality standards
- AWS certification
- Results: you improve metrics and deliver on time

We value ownership, transparency and integrity.
";

#[test]
fn better_resumes_score_higher_on_every_job() {
    let resumes = [LOW_RESUME, MIDDLE_RESUME, HIGH_RESUME];
    let jobs = [LOW_JD, MIDDLE_JD, HIGH_JD];
    let scores = resumes.map(|resume| jobs.map(|jd| report(resume, jd).overall.unwrap()));

    for (n_job, _) in jobs.iter().enumerate() {
        let column = scores.map(|row| row[n_job]);
        assert!(column[0] < column[1] && column[1] < column[2], "job {n_job}: {scores:?}");
    }
    // Who is above a job is not better the harder it gets, so the best resume is left out.
    for row in &scores[..2] {
        assert!(row[0] > row[1] && row[1] > row[2], "{scores:?}");
    }
    assert_eq!(band(scores[0][2]), ScoreBand::Poor);
    assert_eq!(band(scores[2][2]), ScoreBand::Excellent);
}

#[test]
fn a_good_resume_shows_its_evidence() {
    let found = report(HIGH_RESUME, HIGH_JD);

    assert_in_range(&found);
    assert_quotes_are_verbatim(&found, HIGH_RESUME, HIGH_JD);
    let missing = found.skills.iter().filter(|skill| skill.strength == SkillStrength::None);
    assert!(missing.clone().all(|skill| skill.category == SkillCategory::Soft));
    assert_eq!(missing.count(), 2);
    assert_eq!(skill(&found, "Go").unwrap().importance, Some(Importance::Important));
    let kubernetes = skill(&found, "Kubernetes").unwrap();
    assert!(kubernetes.resume_evidence.unwrap().starts_with("- Own the payment platform"));
    assert_eq!(signal(&found, "exp_3").resume_score, Some(100.0));
    assert_eq!(signal(&found, "exp_7").resume_score, Some(100.0));
    assert!(!found.strengths.is_empty());
}
