/** Whether messages may pop up on this phone, by what its browser lets a page do. */

/** What stands in the way. */
export type Hindrance = "homeScreen" | "unsupported" | "blocked";

interface Phone {
  /** Safari on an iPhone or iPad has this, true for what was opened from the Home Screen. */
  readonly standalone?: boolean | undefined;
  readonly maxTouchPoints: number;
  readonly canPush: boolean;
  readonly permission: NotificationPermission;
}

/** Read this phone's. */
export function thisPhone(): Phone {
  const canPush =
    "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  return {
    standalone: (navigator as { standalone?: boolean }).standalone,
    maxTouchPoints: navigator.maxTouchPoints,
    canPush,
    permission: canPush ? Notification.permission : "default",
  };
}

/** Return what stands in the way of messages that pop up; null if they are possible. */
export function hindranceOf({ standalone, maxTouchPoints, ...phone }: Phone): Hindrance | null {
  const isOfApple = standalone !== undefined && maxTouchPoints > 0;
  if (isOfApple && !standalone) {
    return "homeScreen";
  }
  if (!phone.canPush) {
    return "unsupported";
  }
  return phone.permission === "denied" ? "blocked" : null;
}
