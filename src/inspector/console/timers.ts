/** The timers of the browser, and turns of its event loop. Boundary: no window is needed before one is started. */

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

/** Lets the page do what is due before the work goes on. A page in the background has its turns, too, and timers seldom. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    const go = (): void => {
      port1.close()
      resolve()
    }
    port1.addEventListener("message", go, { once: true })
    port1.start()
    port2.postMessage(undefined)
  })
