/**
 * The time, timers and frames of the page, and its threads.
 *
 * A hidden page asks nothing; when it is shown again it asks at once. The page of a record stands still at the moment of the
 * record. Boundary: with timers.ts, the only file of the console that owns a timer or makes a promise; clock.ts reads the
 * clock.
 */
import { effect, signal } from "@preact/signals"
import { clockMs, offsetMs, sinceBegin } from "./clock.ts"
import { recorded } from "./recorded.ts"
import { piecesOf } from "./text.ts"
import { later, turn } from "./timers.ts"

export { later, pause } from "./timers.ts"

/**
 * The time, for ages that the page shows: it moves once a second while the page is visible, and goes by the server's clock as
 * far as that is known. That of a record is the time of the record, however late its page is opened. In milliseconds since the
 * epoch.
 */
export const now = signal(recorded?.record.recordedAt ?? clockMs())

if (recorded === undefined) {
  const look = (): void => void (now.value = clockMs() + offsetMs.value)
  // An answer that tells of the clock of the server counts at once.
  effect(look)
  setInterval(() => {
    if (!document.hidden) look()
  }, 1_000)
}

const narrow = matchMedia("(max-width: 720px)")

/** Whether the window is as narrow as that of a phone. The style has rules for the same width. */
export const isNarrow = signal(narrow.matches)

narrow.addEventListener("change", () => (isNarrow.value = narrow.matches))

/** A script in a thread of its own, and a promise that rejects if the script cannot be loaded or throws while nobody calls it. */
export interface StartedWorker {
  readonly worker: Worker
  readonly failed: Promise<never>
}

const startedAt = (url: string): StartedWorker => {
  const worker = new Worker(url)
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", ({ message }) => reject(new Error(message || "a worker cannot be started")))
  })
  return { worker, failed }
}

/** Starts a script of this server in a thread of its own. */
export const startWorker = (path: string): StartedWorker => startedAt(path)

/** Starts a script that the page has as a text in a thread of its own. */
export const startWorkerOf = (text: string): StartedWorker => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
  try {
    return startedAt(url)
  } finally {
    // The worker has the address by now.
    URL.revokeObjectURL(url)
  }
}

/**
 * Calls `body` now, and again `gapMs` after each end, until the returned function is called. A page that nobody sees rests.
 * `atOnce`: is given a function that calls it without the pause, also then.
 */
export const poll = (
  gapMs: number,
  body: (signal: AbortSignal) => Promise<unknown>,
  atOnce?: (ask: () => void) => void
): (() => void) => {
  const stop = new AbortController()
  let cancel = (): void => undefined
  let isUnderWay = false
  let isDue = false
  const ask = (): void => {
    cancel()
    isDue = false
    isUnderWay = true
    void body(stop.signal).finally(() => {
      isUnderWay = false
      if (stop.signal.aborted) return
      if (isDue) ask()
      else cancel = later(gapMs, go)
    })
  }
  const go = (): void => {
    if (stop.signal.aborted || isUnderWay) return
    cancel()
    if (!document.hidden) ask()
  }
  atOnce?.(() => {
    if (stop.signal.aborted) return
    if (isUnderWay) isDue = true
    else ask()
  })
  document.addEventListener("visibilitychange", go)
  go()
  return () => {
    stop.abort()
    cancel()
    document.removeEventListener("visibilitychange", go)
  }
}

/** Calls `body` before the next frame, unless the returned function is called before. */
export const nextFrame = (body: () => void): (() => void) => {
  const frame = requestAnimationFrame(body)
  return () => cancelAnimationFrame(frame)
}

/** Tuning: milliseconds of work after which the page has a turn. */
const sliceMs = 12

/** Does long work in slices, between which the page answers. The work yields where it can rest. */
export const inSlices = async <A>(work: Generator<undefined, A>): Promise<A> => {
  for (let since = sinceBegin(); ;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (sinceBegin() - since < sliceMs) continue
    await turn()
    since = sinceBegin()
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

/** Calls `body` once in such a time, however often it is asked: for pictures that take much of a frame. */
export const onceIn = (ms: number, body: () => void): (() => void) => {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    later(ms, () => {
      isDue = false
      body()
    })
  }
}

/**
 * Does `body` if fewer than `most` pages of this server do the like in this browser, and waits for its end. A browser without
 * locks, as for a page that came without TLS from another machine, does not do it.
 */
export const amongFew = async (name: string, most: number, body: () => Promise<unknown>): Promise<void> => {
  if (!("locks" in navigator)) return
  for (let place = 0; place < most; place++) {
    const isDone = await navigator.locks.request(`${name} ${place}`, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await body()
      return lock !== null
    })
    if (isDone) return
  }
}

/** Whether the browser lets the page copy. It does not, where the page came without TLS from another machine. */
export const canCopy = window.isSecureContext && "clipboard" in navigator

/** Tuning: characters of a text that become bytes at a time. */
const encodedAtOnce = 500_000

/** The bytes of a text that comes in pieces. */
function* fileIn(pieces: Iterable<string>): Generator<undefined, Blob> {
  const parts: Array<Blob> = []
  let some: Array<string> = []
  let length = 0
  for (const piece of pieces) {
    some.push(piece)
    length += piece.length
    if (length >= encodedAtOnce) {
      parts.push(new Blob(some))
      some = []
      length = 0
    }
    yield undefined
  }
  return new Blob([...parts, ...some], { type: "text/plain" })
}

/** A text, or pieces of one. The text of a large value is made while the page answers. */
export type TextInPieces = string | Iterable<string>

const fileOf = (text: TextInPieces): Promise<Blob> =>
  inSlices(fileIn(typeof text === "string" ? piecesOf(text, encodedAtOnce) : text))

const copied = async (text: TextInPieces): Promise<void> => {
  const file = fileOf(text)
  // A browser lets a page copy for a moment after a click, and waits for a text that was promised then.
  if ("ClipboardItem" in window) return navigator.clipboard.write([new ClipboardItem({ "text/plain": file })])
  await navigator.clipboard.writeText(await (await file).text())
}

/** Copies a text. False if the browser refused. */
export const copy = (text: TextInPieces): Promise<boolean> =>
  copied(text).then(
    () => true,
    () => false
  )

/** Saves a text as a file. */
export const save = async (name: string, text: TextInPieces): Promise<void> => {
  const url = URL.createObjectURL(await fileOf(text))
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
