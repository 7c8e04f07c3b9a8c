//! Which address is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};

use super::requests::{Fault, act, typed, view};
use super::{App, gate, pages, upload};
use crate::report::page::STYLE;

const OWN_STYLE: &str = include_str!("assets/app.css");
const SCRIPT: &str = include_str!("assets/app.js");
const ICON: &str = include_str!("assets/icon.svg");

/// Largest form without a file.
const FORM_BYTES: usize = 512 << 10;

/// All addresses of the app, behind the gate.
pub(super) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/", get(view(pages::home)))
        .route("/compare", get(view(pages::compare)))
        .route("/upload", post(upload::take).layer(DefaultBodyLimit::disable()))
        .route("/sheets/{id}", get(view(pages::sheet)))
        .route("/sheets/{id}/reading", post(act(pages::set_reading)))
        .route("/sheets/{id}/task", get(view(pages::task)).post(act(pages::task_keep)))
        .route("/sheets/{id}/profile", get(view(pages::profile)).post(act(pages::profile_keep)))
        .route("/sheets/{id}/train", get(view(pages::train)).post(act(pages::train_begin)))
        .route("/sheets/{id}/predict", get(view(pages::predict)).post(act(pages::predict_begin)))
        .route("/work", get(view(pages::work_list)))
        .route("/work/{id}", get(view(pages::work)))
        .route("/work/{id}/stop", post(act(pages::work_stop)))
        .route("/work/{id}/again", post(act(pages::work_again)))
        .route("/models/{id}", get(view(pages::model)))
        .route("/models/{id}/wrong", get(view(pages::wrong)))
        .route("/models/{id}/rows", get(view(pages::wrong_all)))
        .route("/models/{id}/history", get(view(pages::wrong_history)))
        .route("/models/{id}/import", post(act(pages::wrong_import)))
        .route("/models/{id}/suspects", post(act(pages::wrong_suspects)))
        .route("/models/{id}/expand", post(act(pages::wrong_expand)))
        .route("/models/{id}/decide", post(act(pages::wrong_decide)))
        .route("/models/{id}/undo", post(act(pages::wrong_undo)))
        .route("/models/{id}/export", post(act(pages::wrong_export)))
        .route("/models/{id}/repair", get(view(pages::repair)).post(act(pages::repair_begin)))
        .route("/models/{id}/check", get(view(pages::check)).post(act(pages::check_draw)))
        .route("/models/{id}/predict", get(view(pages::model_predict)))
        .route("/models/{id}/checked", post(act(pages::check_read)))
        .route("/sheets/{id}/file", get(view(pages::sheet_file)))
        .route("/sheets/{id}/delete", post(act(pages::delete_sheet)))
        .route("/models/{id}/report", get(view(pages::model_report)))
        .route("/models/{id}/report.html", get(view(pages::model_download)))
        .route("/models/{id}/delete", post(act(pages::delete_model)))
        .route("/reports/{id}", get(view(pages::report)))
        .route("/app.css", get(|| asset("text/css; charset=utf-8", &[STYLE, OWN_STYLE])))
        .route("/app.js", get(|| asset("text/javascript; charset=utf-8", &[SCRIPT])))
        .route("/icon.svg", get(|| asset("image/svg+xml", &[ICON])))
        .fallback(view(|_, _| Err(Fault::missing("page"))))
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(app), gate::guard))
        .with_state(Arc::clone(app))
}

async fn asset(kind: &'static str, texts: &'static [&'static str]) -> Response {
    typed(Body::from(texts.concat()), kind)
}
