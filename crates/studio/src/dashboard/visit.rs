//! Who looks at a page: let in, sent to the sign-in, or told what is wrong in a page.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use studio_dashboard::{Area, Counts, Markup, Shell, Viewer, pages};
use studio_protocol::Timestamp;
use studio_store::{RegistrationState, Role, StoreError};

use super::{headers, session};
use crate::access::forms::sign_in_address;
use crate::api::{Access, Caller, Problem};
use crate::state::AppState;

/// What the guard of a page needs.
#[derive(Clone)]
pub struct Guard {
    pub state: AppState,
    pub access: Access,
}

/// Somebody who may see the page that they asked for.
#[derive(Clone)]
pub struct Visit {
    /// For the functions behind the API.
    pub caller: Caller,
    viewer: Viewer,
    counts: Counts,
    now: Timestamp,
}

impl Visit {
    async fn of(state: &AppState, caller: Caller) -> Result<Self, Problem> {
        let viewer = session::viewer(&caller, &state.signer);
        let operates = viewer.role >= Role::Operator;
        let (pending, open) = state
            .store
            .read(move |db| {
                let pending =
                    if operates { db.registrations(Some(RegistrationState::Pending))?.len() } else { 0 };
                Ok((pending as u64, db.counts()?.open()))
            })
            .await?;
        // Of all projects: not for somebody who sees one.
        let open = if caller.bound_to().is_none() { open } else { 0 };
        Ok(Self { caller, viewer, counts: Counts { pending, open }, now: Timestamp::now() })
    }

    /// What the page stands in.
    pub fn shell(&self, title: impl Into<String>, area: Area) -> Shell {
        Shell {
            title: title.into(),
            area: Some(area),
            viewer: Some(self.viewer.clone()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            counts: self.counts,
            now: self.now,
        }
    }

    /// Whether they have this role or one above it.
    pub fn may(&self, role: Role) -> bool {
        self.viewer.role >= role
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageProblem> {
        parts.extensions.get().cloned().ok_or_else(|| PageProblem(Problem::unauthorized()))
    }
}

/// A page that was made.
pub struct Page(pub Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], self.0.into_string()).into_response()
    }
}

/// Why there is no page; the guard, which knows who looks, makes a page of it.
#[derive(Debug, Clone)]
pub struct PageProblem(pub Problem);

impl From<Problem> for PageProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for PageProblem {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What a handler of a page answers.
pub type Answer = Result<Page, PageProblem>;

/// Lets a visitor through to the page, or answers in its place.
pub async fn guard(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let visit = match visit(&guard.state, request.headers()).await {
        Ok(Some(visit)) => visit,
        Ok(None) => return to_sign_in(&uri),
        Err(problem) => return render(None, &problem),
    };
    if let Access::AtLeast(role) = guard.access
        && !visit.may(role)
    {
        let detail = format!("you have the role {}, this page needs the role {role}", visit.viewer.role);
        return render(Some(&visit), &Problem::forbidden(detail));
    }
    request.extensions_mut().insert(visit.caller.clone());
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<PageProblem>() {
        Some(PageProblem(problem)) => render(Some(&visit), &problem),
        None => response,
    }
}

async fn visit(state: &AppState, headers: &HeaderMap) -> Result<Option<Visit>, Problem> {
    match session::caller_of(state, headers).await {
        Ok(caller) => Visit::of(state, caller).await.map(Some),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// After signing in, the visitor comes back to `uri`.
fn to_sign_in(uri: &Uri) -> Response {
    let address = sign_in_address(uri.path_and_query().map_or("/", |path| path.as_str()));
    let location = HeaderValue::from_str(&address).unwrap_or(HeaderValue::from_static("/sign-in"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// A problem as a page, for an address without a guard.
pub async fn problem_page(state: &AppState, headers: &HeaderMap, uri: &Uri, problem: &Problem) -> Response {
    let mut response = match visit(state, headers).await {
        Ok(Some(visit)) => render(Some(&visit), problem),
        // Who is not signed in does not learn which addresses there are.
        Ok(None) => to_sign_in(uri),
        Err(problem) => render(None, &problem),
    };
    headers::put(&mut response);
    response
}

/// What a page stands in that anybody may see.
pub fn shell_for_strangers(title: impl Into<String>) -> Shell {
    Shell {
        title: title.into(),
        area: None,
        viewer: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        counts: Counts::default(),
        now: Timestamp::now(),
    }
}

fn render(visit: Option<&Visit>, problem: &Problem) -> Response {
    let shell = match visit {
        Some(visit) => Shell { area: None, ..visit.shell(problem.title.clone(), Area::Home) },
        None => shell_for_strangers(problem.title.clone()),
    };
    let page = pages::problem::page(&shell, problem.status, &problem.detail);
    (status_of(problem), Page(page)).into_response()
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitors_come_back_to_where_they_wanted_to_go() {
        let to = |uri: &str| {
            to_sign_in(&uri.parse().unwrap()).headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(to("/"), "/sign-in");
        assert_eq!(to("/jobs?state=failed&q=a%20b"), "/sign-in?next=%2Fjobs%3Fstate%3Dfailed%26q%3Da%2520b");
    }
}
