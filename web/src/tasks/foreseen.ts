/** How a task will be once what was done to it here has been sent, as far as a phone can tell. */

import type { Change, Work } from "./changes.ts";

/** Return a task as it is after changes that wait; one that somebody else may have changed is not judged. */
export function foreseen<Some extends Work>(task: Some, changes: readonly Change[]): Some {
  return changes.reduce<Some>((before, { step }) => {
    switch (step.is) {
      case "start":
        return {
          ...before,
          state: "in-progress",
          possible: [...before.possible.filter((one) => one !== "start"), "tick", "done"],
        };
      case "tick": {
        const others = before.ticked.filter((item) => item !== step.item);
        return { ...before, ticked: step.done ? [...others, step.item] : others };
      }
      case "done":
        return { ...before, state: "done", possible: [] };
      default:
        return before;
    }
  }, task);
}
