import type { components } from "./schema.d.ts";

/** A problem document (RFC 9457). */
export type ProblemDocument = components["schemas"]["Problem"];

/** The service refused; `code` is the last part of its problem document's type. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;

  constructor(
    readonly status: number,
    readonly problem: Partial<ProblemDocument> = {},
    /** How long the service asks to be left alone, in seconds. */
    readonly retryAfterS: number | null = null,
  ) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.code = problem.type?.split("/").pop() ?? "";
  }

  /** What was wrong with a member of the body, by its JSON Pointer such as `/name`. */
  faultOf(field: string): string | null {
    const fault = this.problem.errors?.find((error) => error.field === field);
    return fault?.detail ?? (this.problem.field === field ? this.message : null);
  }
}

/** No answer came: there is no connection, or it is too slow. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(readonly reason: "offline" | "too-slow") {
    super(reason);
  }
}

/** Tell whether the service does not take a request for that of anybody who is known here. */
export function isUnknown({ code }: Refusal): boolean {
  return code === "unauthenticated" || code === "csrf";
}

/** What may happen to any call. */
export type Failure = Refusal | NoAnswer;

/** Return an error that may happen to any call; another one is a fault of ours and thrown on. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Refusal || error instanceof NoAnswer) {
    return error;
  }
  throw error;
}
