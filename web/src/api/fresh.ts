import { keptAt } from "./client.ts";
import { asFailure } from "./failures.ts";

/**
 * Return an answer that has just come; null where none did, or only what was kept on this phone: what is
 * shown is newer than that.
 */
export async function fresh<Answer extends object>(
  coming: Promise<Answer>,
): Promise<Answer | null> {
  try {
    const answer = await coming;
    return keptAt(answer) === null ? answer : null;
  } catch (error) {
    asFailure(error);
    return null;
  }
}
