import { describe, expect, test, vi } from "vitest";
import { NoAnswer } from "./failures.ts";
import { refusalOf, send } from "./sending.ts";

vi.stubGlobal("navigator", { onLine: true });

const wait = (): Promise<void> => Promise.resolve();

/** A network that answers so, one after the other; null is no answer. */
function network(...statuses: (number | null)[]): { fetch: typeof fetch; bodies: string[] } {
  const bodies: string[] = [];
  const answer = async (request: Request): Promise<Response> => {
    bodies.push(await request.text());
    const status = statuses.shift() ?? null;
    if (status === null) {
      throw new TypeError("network error");
    }
    return new Response("{}", { status });
  };
  return { fetch: answer as typeof fetch, bodies };
}

function request(method: string): Request {
  return new Request("http://localhost/v1/x", method === "GET" ? {} : { method, body: "once" });
}

describe("what can be repeated", () => {
  test.each([
    ["GET", undefined],
    ["PUT", undefined],
    ["POST", true],
  ])("%s is sent again, whole, until it is answered", async (method, isRepeatable) => {
    const { fetch, bodies } = network(null, 503, 200);
    const told = isRepeatable === undefined ? {} : { isRepeatable };
    const response = await send(request(method), { fetch, wait, ...told });
    expect(response.status).toBe(200);
    expect(new Set(bodies).size).toBe(1);
    expect(bodies).toHaveLength(3);
  });

  test("is given up at the third time", async () => {
    const { fetch, bodies } = network(null, null, null, 200);
    await expect(send(request("GET"), { fetch, wait })).rejects.toBeInstanceOf(NoAnswer);
    expect(bodies).toHaveLength(3);
  });
});

test("a POST without an id of its own is sent once", async () => {
  const { fetch, bodies } = network(503, 200);
  expect((await send(request("POST"), { fetch, wait })).status).toBe(503);
  expect(bodies).toHaveLength(1);
});

test("a refusal is not sent again, and says what was wrong with which member", async () => {
  const problem = {
    type: "/problems/invalid-request",
    detail: "Two faults.",
    errors: [{ field: "/name", rule: "missing", detail: "Give a name." }],
  };
  const refusal = await refusalOf(
    Response.json(problem, { status: 422, headers: { "Retry-After": "7" } }),
  );
  expect(refusal).toMatchObject({ code: "invalid-request", status: 422, retryAfterS: 7 });
  expect(refusal.faultOf("/name")).toBe("Give a name.");
  expect(refusal.faultOf("/other")).toBeNull();
});

test("an answer that is no problem document is a refusal too", async () => {
  const refusal = await refusalOf(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(refusal).toMatchObject({ code: "", status: 502, retryAfterS: null });
});
