/**
 * A viewer of a job, in a process of its own, that asks a server for everything that the console's pages ask for: the events, the
 * telemetry, and its questions once a second. It reads to the end of the job.
 */

/** An order as JSON: the address of the server, and the id of the job. Without an id, it only sees that the server answers. */
export interface ViewerOrder {
  readonly url: string
  readonly id?: string
}

export interface ViewerAnswer {
  readonly events: number
  readonly bytes: number
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Opens a stream of a job as soon as the job is there. */
const open = async (address: string, accept: string): Promise<Response> => {
  for (;;) {
    const response = await fetch(address, { headers: { accept } })
    if (response.ok) return response
    await response.body?.cancel()
    await pause(2)
  }
}

/** Reads a stream to its end: its length, and the events in it. */
const read = async (address: string): Promise<ViewerAnswer> => {
  const { body } = await open(address, "text/event-stream")
  let [bytes, events] = [0, 0]
  for await (const piece of body!) {
    bytes += piece.length
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) if (piece[at + 1] === 10) events++
  }
  return { bytes, events }
}

const questions = ["", "/diagnosis", "/tasks", "/approvals"]

/** Asks the questions of the page once a second, until the job is over. */
const poll = async (job: string, over: AbortSignal): Promise<void> => {
  while (!over.aborted) {
    for (const below of questions) await (await fetch(job + below)).arrayBuffer()
    for (let waited = 0; waited < 1_000 && !over.aborted; waited += 10) await pause(10)
  }
}

const watch = async ({ id, url }: ViewerOrder): Promise<ViewerAnswer> => {
  if (id === undefined) {
    await (await fetch(`${url}/health`)).text()
    return { bytes: 0, events: 0 }
  }
  const over = new AbortController()
  const job = `${url}/api/v1/jobs/${id}`
  const events = read(`${job}/events?brief=true`).finally(() => over.abort())
  const [found, times] = await Promise.all([events, read(`${job}/telemetry`), poll(job, over.signal)])
  return { bytes: found.bytes + times.bytes, events: found.events + times.events }
}

process.on("message", (order: string) => {
  void watch(JSON.parse(order) as ViewerOrder).then((found) => process.send!(found))
})
process.once("disconnect", () => process.exit())
