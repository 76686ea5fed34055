/**
 * The route of a job's telemetry: live progress and partial output, as server-sent events.
 *
 * A viewer gets the items that are kept, and then those that come. One that comes back with the id of its last item goes on after
 * it. `Missed` names the numbers that a viewer does not get; its `from` and `to` are null where nobody knows how many there were.
 *
 * Boundary: from a recording (telemetryRoom.ts) to bytes.
 */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { SharedCore } from "./core.ts"
import { isKnown, type Stored } from "./directory.ts"
import * as Problems from "./problems.ts"
import { streamed } from "./streams.ts"
import { isStatus } from "./jobView.ts"
import type { Status } from "./shapes.ts"
import type { Pace, Recorded, Recording, RecordingEnd } from "./telemetryRoom.ts"
import { busyMs, bytesOf, framed, goodbyeItem, type Item, lookingMs, paceOf } from "./viewer.ts"

interface TelemetryRequest {
  readonly params: { readonly id: string }
  readonly headers: { readonly "last-event-id"?: string | undefined }
  readonly query: { readonly after?: string | undefined }
  readonly request: HttpServerRequest
}

/** The place of a viewer: the recording and the number of its last item. */
interface Last {
  readonly name: string
  readonly sequence: number
}

/** The place that an id names; undefined for a text that is no id. */
export const lastOf = (id: string): Last | undefined => {
  const [, name, digits] = /^(\d{1,15})-(\d{1,15})$/.exec(id) ?? []
  return name === undefined || digits === undefined ? undefined : { name, sequence: Number(digits) }
}

const notAnId = (id: string): Problems.InvalidRequest =>
  new Problems.InvalidRequest({
    detail: `${JSON.stringify(id.slice(0, 100))} is not the id of an item of telemetry, such as "1700000000000-17"`
  })

const endText = (end: Extract<RecordingEnd, { readonly _tag: "Ended" }>): string => JSON.stringify(end)

/** The items of a recording after the place of a viewer, up to its end, as texts. */
export const telemetryItems = (recording: Recording, last: Last | undefined, pace?: Pace): Stream.Stream<Item> => {
  const isOfOther = last !== undefined && last.name !== recording.name
  const after = isOfOther ? 0 : (last?.sequence ?? 0)
  const idOf = (sequence: number): string => `id: ${recording.name}-${sequence}\n`
  const missed = (from: number | null, to: number | null): string =>
    framed("sse", "Missed", JSON.stringify({ _tag: "Missed", from, to }), idOf(to ?? 0))
  let next = after + 1
  const pieceOf = (page: ReadonlyArray<Recorded>): Item => {
    let piece = ""
    for (const { sequence, tag, text } of page) {
      if (sequence > next) piece += missed(next, sequence - 1)
      next = sequence + 1
      piece += framed("sse", tag, text, idOf(sequence))
    }
    return { text: piece, isLast: false }
  }
  const pieces = Stream.map(Stream.chunks(recording.after(after, pace)), pieceOf)
  const head: Stream.Stream<Item> = isOfOther
    ? Stream.succeed({ text: missed(null, null), isLast: false })
    : Stream.empty
  const end = Stream.suspend((): Stream.Stream<Item> => {
    const { end, newest } = recording
    if (end === undefined) return Stream.empty
    if (end._tag === "Goodbye") return Stream.succeed(goodbyeItem("sse", end.reason))
    return Stream.succeed({ text: framed("sse", end._tag, endText(end), idOf(newest + 1)), isLast: true })
  })
  return Stream.concat(head, Stream.concat(pieces, end))
}

/** Whether a viewer has had everything up to the end. */
const hasAll = ({ end, name, newest }: Recording, last: Last | undefined): boolean =>
  end !== undefined && last?.name === name && last.sequence > newest

/** The answer about a job that no engine of this server runs. */
const notLive = ({ directory }: SharedCore, { journal }: Stored) => {
  const { attempts, jobId, program, status } = journal
  if (status !== undefined) return halted(jobId, status)
  const quarantine = attempts?.quarantine
  if (quarantine !== undefined) return new Problems.JobQuarantined({ jobId, detail: quarantine })
  return directory.programs.has(program) ? new Problems.JobHeld({ jobId }) : new Problems.UnknownProgram({ program })
}

const halted = (jobId: string, jobStatus: typeof Status.Type): Problems.JobHalted =>
  new Problems.JobHalted({
    jobId,
    jobStatus,
    detail: `the job ${jobId} has ended: ${jobStatus}. Nothing of its telemetry is kept; its event log is at /events`
  })

export const telemetry = Effect.fnUntraced(function* (core: SharedCore, asking: TelemetryRequest) {
  const { headers, params, query, request } = asking
  const id = headers["last-event-id"] ?? query.after ?? ""
  const last = lastOf(id)
  if (last === undefined && id !== "") return yield* notAnId(id)
  const found = yield* core.directory.watch(params.id)
  if (!isKnown(found)) return yield* notLive(core, found)
  const recording = yield* core.telemetry.recordingOf(found)
  if (recording === undefined) {
    const { state } = yield* found.job.status
    return yield* halted(params.id, isStatus(state) ? state : "failed")
  }
  // After a 204, a browser does not reconnect.
  if (hasAll(recording, last)) return HttpServerResponse.empty({ status: 204 })
  const { farewells, settings } = core
  const options = { format: "sse", goodbye: farewells.of(found), heartbeatMs: settings.heartbeatMs } as const
  const bytes = bytesOf(telemetryItems(recording, last, paceOf(lookingMs, busyMs)), options)
  return yield* streamed(core, request, { contentType: "text/event-stream", bytes, known: found })
})
