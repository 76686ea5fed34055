/**
 * A viewer of a job, in a process of its own, that asks a server for everything that the console's pages ask for: the events, the
 * telemetry, and its questions once a second. It reads to the end of the job. Input: the address of the server.
 */
export interface ViewerInput {
  readonly url: string
}

export interface ViewerAnswer {
  readonly events: number
  readonly bytes: number
}

const { url } = JSON.parse(process.argv[2]!) as ViewerInput

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Opens a stream of a job as soon as the job is there. */
const open = async (path: string, accept: string): Promise<Response> => {
  for (;;) {
    const response = await fetch(url + path, { headers: { accept } })
    if (response.ok) return response
    await response.body?.cancel()
    await pause(2)
  }
}

/** Reads a stream to its end: its length, and the events in it. */
const read = async (path: string): Promise<ViewerAnswer> => {
  const { body } = await open(path, "text/event-stream")
  let [bytes, events] = [0, 0]
  for await (const piece of body!) {
    bytes += piece.length
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) if (piece[at + 1] === 10) events++
  }
  return { bytes, events }
}

const questions = ["", "/diagnosis", "/tasks", "/approvals"]

const watch = async (id: string): Promise<ViewerAnswer> => {
  let isOver = false
  const poll = async (): Promise<void> => {
    while (!isOver) {
      for (const below of questions) await (await fetch(`${url}/api/v1/jobs/${id}${below}`)).arrayBuffer()
      for (let waited = 0; waited < 1_000 && !isOver; waited += 10) await pause(10)
    }
  }
  const path = `/api/v1/jobs/${id}`
  const events = read(`${path}/events?brief=true`)
  const telemetry = read(`${path}/telemetry`)
  const polled = events.then(() => undefined).finally(() => (isOver = true))
  const [found, times] = await Promise.all([events, telemetry, poll(), polled])
  return { bytes: found.bytes + times.bytes, events: found.events + times.events }
}

process.on("message", (id: string) => void watch(id).then((found) => process.send!(found)))
process.once("disconnect", () => process.exit())
