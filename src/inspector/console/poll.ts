/**
 * Repeated requests while the page is visible, one at a time.
 *
 * A hidden page asks nothing; when it is shown again it asks at once. Boundary: the page's clock.
 */

/** Calls `body` now, and again `gapMs` after each end, until the returned function is called. */
export const poll = (gapMs: number, body: (signal: AbortSignal) => Promise<unknown>): (() => void) => {
  const stop = new AbortController()
  let timer: number | undefined
  let isUnderWay = false
  const go = (): void => {
    if (stop.signal.aborted || isUnderWay) return
    clearTimeout(timer)
    if (document.hidden) return
    isUnderWay = true
    void body(stop.signal).finally(() => {
      isUnderWay = false
      if (!stop.signal.aborted) timer = window.setTimeout(go, gapMs)
    })
  }
  document.addEventListener("visibilitychange", go)
  go()
  return () => {
    stop.abort()
    clearTimeout(timer)
    document.removeEventListener("visibilitychange", go)
  }
}

/** Calls `body` once before the next frame, however often it is asked. */
export const onceAFrame = (body: () => void): (() => void) => {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      body()
    })
  }
}
