/** The timers of the browser. Boundary: no window is needed before one is started. */

/** Calls `body` after a time, unless the returned function is called before. */
export const later = (ms: number, body: () => void): (() => void) => {
  const timer = setTimeout(body, ms)
  return () => clearTimeout(timer)
}

/** Waits for a time, or until it is given up. */
export const pause = (ms: number, abort: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const cancel = later(ms, resolve)
    abort.addEventListener(
      "abort",
      () => {
        cancel()
        resolve()
      },
      { once: true }
    )
  })
