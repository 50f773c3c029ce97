import { NoAnswer, Refusal, type ProblemDocument } from "./failures.ts";

/** The last attempt's answer is waited for as long as the others': a phone may wake up slowly. */
const usualMs = 10_000;
const pausesMs = [500, 2_000];
/** A proxy, or the service itself, says that it could not be asked just now. */
const passing = new Set([502, 503, 504]);
const harmlessAgain = new Set(["GET", "HEAD", "PUT", "DELETE"]);

export interface Sending {
  /** Whether sending it twice does no more than once, as with an id of the sender's own. */
  readonly isRepeatable?: boolean;
  /** How long an attempt may take, where that is not the usual. */
  readonly giveUpAfterMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly wait?: (ms: number) => Promise<void>;
}

/**
 * Send a request and return the answer, whatever it says; what can be repeated is, twice.
 *
 * Throws `NoAnswer` where none came.
 */
export async function send(request: Request, sending: Sending = {}): Promise<Response> {
  const { fetch = globalThis.fetch, wait = pause, giveUpAfterMs = usualMs } = sending;
  const isRepeatable = sending.isRepeatable ?? harmlessAgain.has(request.method);
  for (const pauseMs of isRepeatable ? pausesMs : []) {
    try {
      const response = await attempt(request.clone(), fetch, giveUpAfterMs);
      if (!passing.has(response.status)) {
        return response;
      }
    } catch (error) {
      if (!(error instanceof NoAnswer) || !navigator.onLine) {
        throw error;
      }
    }
    await wait(pauseMs);
  }
  return attempt(request, fetch, giveUpAfterMs);
}

async function attempt(
  request: Request,
  fetch: typeof globalThis.fetch,
  giveUpAfterMs: number,
): Promise<Response> {
  const signal = AbortSignal.timeout(giveUpAfterMs);
  try {
    const response = await fetch(new Request(request, { signal }));
    // Cut off in between it is no answer.
    const body = await response.blob();
    return new Response(body.size > 0 ? body : null, response);
  } catch {
    throw new NoAnswer(signal.aborted ? "too-slow" : "offline");
  }
}

/** Return what the service's refusal says. */
export async function refusalOf(response: Response): Promise<Refusal> {
  let problem: Partial<ProblemDocument> = {};
  try {
    problem = (await response.clone().json()) as Partial<ProblemDocument>;
  } catch {
    // A proxy's answer is no problem document.
  }
  return new Refusal(response.status, problem, retryAfterOf(response));
}

/** Return how long the service asks to be left alone, in seconds; null where it does not. */
export function retryAfterOf({ headers }: Response): number | null {
  const after = Number(headers.get("Retry-After") ?? Number.NaN);
  return Number.isNaN(after) ? null : after;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
