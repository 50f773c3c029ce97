/** What somebody has typed about a task and not sent yet: it is still there once they have signed in. */

const nameOf = (taskId: string, field: string): string => `draft/${taskId}/${field}`;

/** Return what was typed there before. */
export function recall(taskId: string, field: string): string {
  try {
    return sessionStorage.getItem(nameOf(taskId, field)) ?? "";
  } catch {
    return "";
  }
}

/** Keep what is typed until the tab is closed; nothing is kept of an empty field. */
export function keep(taskId: string, field: string, words: string): void {
  try {
    if (words === "") {
      sessionStorage.removeItem(nameOf(taskId, field));
    } else {
      sessionStorage.setItem(nameOf(taskId, field), words);
    }
  } catch {
    // Full or forbidden: then it is kept while the page stands.
  }
}
