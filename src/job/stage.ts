/**
 * The stages of a session, from its start to its end, and the table of its moves.
 *
 *     Queued -> Running <-> Resting
 *     Running -> Ending -> Ended, and to Ended from everywhere
 *
 * The machine decides the next state of a job. The stage is the part of the session that depends on that state, and each stage
 * has only the fields that are meaningful in it. Three fields of the session do not depend on the stage: `haltCause` (the cause
 * of the job's end), `wanted` (the requested end) and `driver` (the driver that works on the job). Only the machine knows whether
 * it still takes events, so `JobSession.isClosed` asks both.
 *
 * Invariants: the table does not compile unless it has a cell for each stage and each event; an impossible cell is marked as
 * such. Boundary: values; `JobSession.move` is the one caller.
 */
import type { Status } from "../outcome/Cause.ts"
import type { UnderWay } from "./underWay.ts"

/** The states in which a machine rests. The job does not run, but is neither queued nor ended. */
export type Rest = "paused" | "awaiting"

export type Stage =
  /** It has no place on its engine yet. Its seeds are being planted, or it waits in the queue. */
  | { readonly _tag: "Queued" }
  /** It has a place, and has a driver or gets one soon. `underWay`: undefined between two cycles. */
  | { readonly _tag: "Running"; underWay: UnderWay | undefined }
  /** Its machine is in `paused` or `awaiting`. `isNoted`: the log says so, and the job may be woken. */
  | { readonly _tag: "Resting"; readonly why: Rest; readonly isNoted: boolean }
  /**
   * It releases fibers, threads, resources and journal before its machine ends. `isAdmitted`: it had a place on its engine, which
   * the engine gets back. `isStored`: the journal has its end.
   */
  | { readonly _tag: "Ending"; readonly isAdmitted: boolean; readonly isStored: boolean }
  /** It takes in nothing more. */
  | { readonly _tag: "Ended"; readonly status: Status; readonly isAdmitted: boolean; readonly isStored: boolean }

export type StageEvent =
  /** The engine gives the job a place. */
  | { readonly _tag: "Admitted" }
  /** The machine has come to rest. */
  | { readonly _tag: "Rested"; readonly why: Rest }
  /** The log says that the job rests. */
  | { readonly _tag: "Noted"; readonly why: Rest }
  /** The machine runs again. */
  | { readonly _tag: "Resumed" }
  /** The job begins to release everything, before its machine ends. */
  | { readonly _tag: "LettingGo" }
  /** The journal has the job's end. */
  | { readonly _tag: "EndStored" }
  /** The job is over. */
  | { readonly _tag: "Finished"; readonly status: Status }

export type StageTag = Stage["_tag"]
export type StageEventTag = StageEvent["_tag"]

type StageOf<Tag extends StageTag> = Extract<Stage, { readonly _tag: Tag }>
type EventOf<Tag extends StageEventTag> = Extract<StageEvent, { readonly _tag: Tag }>

/** A move. `"ignored"`: the event comes too late to matter. `"impossible"`: only a bug of the engine sends it in this stage. */
type Cell<S, E> = ((stage: S, event: E) => Stage) | "ignored" | "impossible"

type Table = {
  readonly [S in StageTag]: { readonly [E in StageEventTag]: Cell<StageOf<S>, EventOf<E>> }
}

export const queued: StageOf<"Queued"> = Object.freeze({ _tag: "Queued" })

const running = (): Stage => ({ _tag: "Running", underWay: undefined })
const resting = (_: unknown, { why }: EventOf<"Rested">): Stage => ({ _tag: "Resting", why, isNoted: false })
const ended = (_: unknown, { status }: EventOf<"Finished">): Stage => ({
  _tag: "Ended",
  status,
  isAdmitted: true,
  isStored: false
})

export const table: Table = {
  Queued: {
    Admitted: running,
    Rested: "impossible",
    Noted: "impossible",
    Resumed: "impossible",
    // The start was abandoned.
    LettingGo: () => ({ _tag: "Ending", isAdmitted: false, isStored: false }),
    EndStored: "impossible",
    Finished: (_, { status }) => ({ _tag: "Ended", status, isAdmitted: false, isStored: false })
  },
  Running: {
    Admitted: "impossible",
    Rested: resting,
    // The job was resumed before the store had noted that it rests.
    Noted: "ignored",
    Resumed: "impossible",
    LettingGo: () => ({ _tag: "Ending", isAdmitted: true, isStored: false }),
    EndStored: "impossible",
    Finished: ended
  },
  Resting: {
    Admitted: "impossible",
    Rested: resting,
    Noted: (stage, { why }) => (stage.why === why ? { ...stage, isNoted: true } : stage),
    Resumed: running,
    LettingGo: "impossible",
    EndStored: "impossible",
    // Its actor was stopped from outside.
    Finished: ended
  },
  Ending: {
    Admitted: "impossible",
    Rested: "impossible",
    Noted: "ignored",
    Resumed: "impossible",
    LettingGo: "ignored",
    EndStored: (stage) => ({ ...stage, isStored: true }),
    Finished: ({ isAdmitted, isStored }, { status }) => ({ _tag: "Ended", status, isAdmitted, isStored })
  },
  Ended: {
    // A parent may give a place to a child that was just cancelled in the queue.
    Admitted: (stage) => ({ ...stage, isAdmitted: true }),
    Rested: "impossible",
    Noted: "ignored",
    Resumed: "impossible",
    LettingGo: "impossible",
    EndStored: (stage) => ({ ...stage, isStored: true }),
    // The machine and the driver may both report the end.
    Finished: "ignored"
  }
}

/** The stage after an event, or `"impossible"`. */
export const transition = (stage: Stage, event: StageEvent): Stage | "impossible" => {
  // The type of the table pairs each cell with its stage and its event, which TypeScript does not follow through two tags.
  const cell = table[stage._tag][event._tag] as Cell<Stage, StageEvent>
  if (cell === "ignored") return stage
  return cell === "impossible" ? cell : cell(stage, event)
}
