/**
 * A page of the console in a real browser, and its frames. Boundary: drives the browser; code for the page is text, since the
 * compiler of benchmarks knows no DOM.
 */
import type { Browser, CDPSession, Page } from "playwright-core"
import { openBrowser } from "../../browser/browser.ts"

/** The frames of a page since `mark`. Times are in milliseconds. */
export interface Frames {
  readonly longest: number
  readonly frames: number
  /** The longest task of the main thread; 0 if none took 50 ms. */
  readonly longestTask: number
}

const watching = `(() => {
  const watched = (window.watched = { longest: 0, frames: 0, longestTask: 0, last: performance.now() })
  const frame = (now) => {
    watched.longest = Math.max(watched.longest, now - watched.last)
    watched.last = now
    watched.frames++
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.longestTask = Math.max(watched.longestTask, duration)
  }).observe({ entryTypes: ["longtask"] })
})()`

/** Notes when all of some selectors are on the page, and when the frame after that is drawn. */
const painting = (selectors: ReadonlyArray<string>): string => `(() => {
  const selectors = ${JSON.stringify(selectors)}
  const look = new MutationObserver(() => {
    if (!selectors.every((selector) => document.querySelector(selector) !== null)) return
    look.disconnect()
    requestAnimationFrame(() => setTimeout(() => (window.paintedMs = performance.now())))
  })
  look.observe(document, { subtree: true, childList: true })
})()`

export interface WatchedPage {
  readonly page: Page
  /** Begins to count frames anew. */
  readonly mark: () => Promise<void>
  readonly frames: () => Promise<Frames>
  /** The page's heap after a collection, in MB. */
  readonly heapMb: () => Promise<number>
  readonly close: () => Promise<void>
}

/** A browser that contenders share, one after the other. It ends when the last of them has closed it. */
export const sharedBrowser = () => {
  let opened: Promise<Browser> | undefined
  let users = 0
  return {
    open: (): Promise<Browser> => {
      users++
      return (opened ??= openBrowser())
    },
    close: async (): Promise<void> => {
      if (--users > 0) return
      const browser = await opened
      opened = undefined
      await browser?.close()
    }
  }
}

const newPage = (browser: Browser): Promise<Page> => browser.newPage({ viewport: { width: 1_280, height: 900 } })

/** Opens an address, and watches the frames of its page. */
export const watchPage = async (browser: Browser, url: string): Promise<WatchedPage> => {
  const page = await newPage(browser)
  await page.addInitScript(watching)
  await page.goto(url)
  const session: CDPSession = await page.context().newCDPSession(page)
  return {
    page,
    mark: async () => {
      await page.evaluate("Object.assign(watched, { longest: 0, frames: 0, longestTask: 0, last: performance.now() })")
    },
    frames: () => page.evaluate<Frames>("watched"),
    heapMb: async () => {
      await session.send("HeapProfiler.collectGarbage")
      const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { readonly usedSize: number }
      return usedSize / 1e6
    },
    close: () => page.close()
  }
}

/** Opens an address in a new page, and waits until all selectors are drawn: milliseconds since the navigation began. */
export const paintOf = async (
  browser: Browser,
  url: string,
  selectors: ReadonlyArray<string>
): Promise<{ readonly ms: number; readonly texts: ReadonlyArray<string> }> => {
  const page = await newPage(browser)
  try {
    await page.addInitScript(painting(selectors))
    await page.goto(url)
    // The page's policy forbids what `waitForFunction` does.
    let ms = 0
    const end = performance.now() + 60_000
    while (ms === 0) {
      if (performance.now() > end) throw new Error(`${url} did not show ${selectors.join(" and ")} within a minute`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      ms = await page.evaluate<number>("window.paintedMs ?? 0")
    }
    const texts = await Promise.all(selectors.map((selector) => page.locator(selector).first().innerText()))
    return { ms, texts }
  } finally {
    await page.close()
  }
}
