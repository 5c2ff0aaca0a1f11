//! What a test about analyses asks, and how its engine finds the provider.

use jotrack_core::{AiProvider, AnalysisKind, AnalysisRequest, AnalysisTarget, Config};

use super::FaultServer;

/// A valid answer about the companies around a company.
pub const COMPANIES: &str = r#"{"companies":[{"name":"Globex","category":"COMPETITOR","relevanceScore":0.9,"reason":"Sells the same pumps","confidence":0.8}]}"#;

/// Asks for the companies around one.
pub fn about(company: &str) -> AnalysisRequest {
    let target = AnalysisTarget::Company(company.to_owned());
    AnalysisRequest::new(AnalysisKind::CompanyEcosystem, target)
}

/// Makes a server the operator's provider of an engine, which tries nothing twice.
pub fn named_by_operator(server: &FaultServer) -> impl FnOnce(&mut Config) + use<> {
    named_by_operator_at(server.url())
}

/// Like [`named_by_operator`], for a server of another process.
pub fn named_by_operator_at(url: String) -> impl FnOnce(&mut Config) {
    move |config| {
        config.ai.provider = AiProvider::OpenAiCompatible;
        config.ai.base_url = Some(url);
        config.ai.model = Some("test-model".to_owned());
        config.ai.retries = 0;
    }
}
