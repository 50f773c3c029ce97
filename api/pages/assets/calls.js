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

// Calls to the service's API, which knows this browser by a cookie that no script can read. Without
// an answer in time they end, since a service worker may not wait for long.
const calls = (() => {
  const giveUpAfterMs = 10_000;
  // What shows that a request comes from a page of ours; it goes with the cookies.
  let shown = null;

  async function send(method, path, { body, csrfToken } = {}) {
    const headers = {};
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

  // Who this browser is.
  async function session() {
    const found = await send("GET", "/v1/session");
    shown = found.csrf_token;
    return found;
  }

  // As whoever this browser is. A token is asked for when it is needed, and again when another page,
  // or the service worker, has got other cookies since.
  async function call(method, path, body) {
    if (method !== "GET" && !shown) {
      await session();
    }
    try {
      return await send(method, path, { body, csrfToken: shown });
    } catch (error) {
      if (error.code !== "csrf") {
        throw error;
      }
      await session();
      return send(method, path, { body, csrfToken: shown });
    }
  }

  // Sign a member in here; what came with the cookies of before is of no use any more.
  async function signIn(given) {
    const made = await send("POST", "/v1/sign-in", { body: { ...given, credential: "cookie" } });
    shown = made.csrf_token;
    return made;
  }

  // Have this browser be a device.
  async function register(device) {
    const made = await call("POST", "/v1/devices", { ...device, credential: "cookie" });
    shown = made.csrf_token;
    return made;
  }

  return { call, register, send, session, signIn };
})();
