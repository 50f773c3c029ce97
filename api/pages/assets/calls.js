"use strict";

// The service refused; `code` is the last part of its problem document's type (RFC 9457).
class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.status = status;
    this.code = String(problem.type ?? "").split("/").pop();
    this.retryAfterS = problem.retry_after_s;
  }
}

// Calls to the service's API. Without an answer in time they end, since a service worker may not
// wait for long.
const calls = (() => {
  const giveUpAfterMs = 10_000;

  async function send(method, path, { body, authorization, csrfToken } = {}) {
    const headers = {};
    if (authorization) {
      headers.Authorization = authorization;
    }
    if (csrfToken) {
      headers["X-CSRF-Token"] = csrfToken;
    }
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(giveUpAfterMs),
    });
    if (!answer.ok) {
      throw new Refusal(answer.status, await answer.json().catch(() => ({})));
    }
    const text = await answer.text();
    return text === "" ? null : JSON.parse(text);
  }

  // As the device that this browser is.
  async function call(method, path, body) {
    const device = await storage.get("device");
    return send(method, path, { body, authorization: device && `Bearer ${device.token}` });
  }

  return { call, send };
})();
