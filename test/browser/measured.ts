/**
 * The cost of a page: the longest time for which it did not answer, and the characters that each of its requests brought.
 *
 * Boundary: watches a page; tests compare.
 */
import type { Page } from "playwright-core"

export interface Measured {
  /** Milliseconds of the longest task of the page's thread since the last question; 0 if none took 50 ms. */
  readonly longestMs: () => Promise<number>
  /** Bytes that the largest answer had since the last question, and its path. */
  readonly largest: () => { readonly bytes: number; readonly path: string }
}

/** Long tasks are kept by the page itself. The compiler of tests knows no DOM, so the script is text. */
const watchTasks = `
  window.longTasks = []
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration)
  }).observe({ type: "longtask", buffered: true })`

/** Watches a page from now on: open the page anew to watch all of it. */
export const measure = async (page: Page): Promise<Measured> => {
  await page.addInitScript(watchTasks)
  const session = await page.context().newCDPSession(page)
  // A browser that keeps answers for its tools decodes each of them at once, which would count as work of the page.
  await session.send("Network.enable", { maxTotalBufferSize: 1, maxResourceBufferSize: 1 })
  const paths = new Map<string, string>()
  const sizes = new Map<string, number>()
  session.on("Network.requestWillBeSent", ({ request, requestId }) => void paths.set(requestId, request.url))
  session.on("Network.dataReceived", ({ dataLength, requestId }) => {
    sizes.set(requestId, (sizes.get(requestId) ?? 0) + dataLength)
  })
  return {
    longestMs: () => page.evaluate<number>(`Math.round(Math.max(0, ...window.longTasks.splice(0)))`),
    largest: () => {
      let largest = { bytes: 0, path: "" }
      for (const [id, bytes] of sizes) {
        const path = new URL(paths.get(id) ?? "http://none/").pathname
        if (bytes > largest.bytes && path.includes("/api/")) largest = { bytes, path }
      }
      sizes.clear()
      return largest
    }
  }
}
