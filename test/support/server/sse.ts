/**
 * A viewer of server-sent events: it reads until the stream ends, or until it has seen enough. Boundary: no assertion.
 */
import type { Running } from "./harness.ts"

export interface Seen {
  readonly id: string | undefined
  readonly event: string
  readonly data: { readonly _tag: string; readonly sequence?: number; readonly [field: string]: unknown }
}

export interface Viewed {
  readonly status: number
  readonly seen: ReadonlyArray<Seen>
  /** The comments. */
  readonly comments: ReadonlyArray<string>
}

const field = (block: string, name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1]

/** Reads a stream. `stop` sees each new list; once it says so, the viewer goes away. */
export const view = async (
  running: Pick<Running, "fetch">,
  path: string,
  headers: Record<string, string> = {},
  stop: (viewed: Viewed) => boolean = () => false
): Promise<Viewed> => {
  const abort = new AbortController()
  const response = await running.fetch(path, { headers, signal: abort.signal })
  const [seen, comments]: [Array<Seen>, Array<string>] = [[], []]
  const viewed = { status: response.status, seen, comments }
  if (response.headers.get("content-type") !== "text/event-stream") {
    await response.arrayBuffer()
    return viewed
  }
  let text = ""
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      const blocks = text.split("\n\n")
      text = blocks.pop() ?? ""
      for (const block of blocks) {
        const data = field(block, "data")
        if (data === undefined) comments.push(block)
        else
          seen.push({
            id: field(block, "id"),
            event: field(block, "event") ?? "",
            data: JSON.parse(data) as Seen["data"]
          })
      }
      if (stop(viewed)) abort.abort()
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error
  }
  return viewed
}
