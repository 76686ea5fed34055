/** The timers of the browser. Boundary: no window is needed before one is started. */

/** Calls `body` after a time, unless the returned function is called before. */
export const later = (ms: number, body: () => void): (() => void) => {
  const timer = setTimeout(body, ms)
  return () => clearTimeout(timer)
}

/** Waits for a time, or until it is given up. Nothing of a pause that is over stays with the signal, which may live for days. */
export const pause = (ms: number, abort: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (abort.aborted) return resolve()
    const end = (): void => {
      cancel()
      abort.removeEventListener("abort", end)
      resolve()
    }
    const cancel = later(ms, end)
    abort.addEventListener("abort", end)
  })
