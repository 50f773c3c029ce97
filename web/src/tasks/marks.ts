/** Tasks as they are marked on the map: those of one place together. */

import { pointOf } from "../map/beginning.ts";
import type { Mark } from "../map/style.ts";
import type { Work } from "./changes.ts";
import { isMine } from "./words.ts";

const weights: readonly Work["priority"][] = ["low", "normal", "high", "urgent"];

/** Return a mark for each place that has tasks, with its id. */
export function marksOf(tasks: readonly Work[]): readonly Mark[] {
  const marks = new Map<string, Mark>();
  for (const task of tasks) {
    const before = marks.get(task.place_id);
    marks.set(task.place_id, {
      id: task.place_id,
      at: pointOf(task.place_point),
      count: (before?.count ?? 0) + 1,
      weight: Math.max(before?.weight ?? 0, weights.indexOf(task.priority)),
      standing: Math.max(before?.standing ?? 0, standing(task)),
    });
  }
  return [...marks.values()];
}

function standing(task: Work): number {
  if (isMine(task)) {
    return 2;
  }
  return task.state === "open" ? 1 : 0;
}
