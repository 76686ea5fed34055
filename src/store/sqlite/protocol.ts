/**
 * What the main thread and the thread that writes say to each other.
 *
 * Each `Op` is answered once, in the order in which they were sent. Boundary: types of values that can be cloned.
 */
import type { MessagePort } from "node:worker_threads"
import type { Kept } from "../JobStore.ts"
import type { Refusal } from "./refusal.ts"
import type { Status } from "../../outcome/Cause.ts"

/** What the thread is started with. */
export interface WriterInit {
  readonly port: MessagePort
  readonly filename: string
  readonly synchronous: "FULL" | "NORMAL"
  readonly busyTimeoutMs: number
  readonly maxBytes: number | undefined
}

/** Pieces that were sent before, as `PieceMessage`s of that number, and how many there are in all. */
export interface Upload {
  readonly number: number
  readonly pieces: number
}

/** A job as it is held, seen by whoever writes. */
interface Held {
  readonly jobId: string
  readonly fence: number
}

export type Op =
  | {
      readonly kind: "create"
      readonly jobId: string
      readonly program: string
      readonly parent: string | undefined
      readonly createdAt: number
      readonly text: string
      readonly hash: string
      readonly header: string
      readonly upload: Upload | undefined
      readonly owner: string
      readonly leaseUntil: number
    }
  | (Held & {
      readonly kind: "append"
      readonly cycle: number
      readonly text: string
      readonly hash: string
      readonly extra: string
    })
  | (Held & { readonly kind: "note"; readonly text: string })
  | (Held & { readonly kind: "keep" } & Kept)
  | (Held & { readonly kind: "rebase"; readonly cycle: number; readonly header: string; readonly upload: Upload })
  | (Held & { readonly kind: "halt"; readonly status: Status; readonly haltedAt: number; readonly text: string })
  | (Held & { readonly kind: "release" })
  | {
      readonly kind: "lease"
      readonly jobId: string
      readonly isForced: boolean
      readonly owner: string
      readonly now: number
      readonly leaseUntil: number
    }
  | { readonly kind: "cancel"; readonly jobId: string }
  /** Of all jobs that the owner holds. */
  | { readonly kind: "renew"; readonly owner: string; readonly leaseUntil: number }
  | { readonly kind: "leave"; readonly owner: string }
  /** Forgets some of the journals that may go. Gives their number: 0 if none is left. */
  | { readonly kind: "prune"; readonly keepLatest: number | undefined; readonly haltedSince: number | undefined }
  /** Deletes some of what forgotten journals left. Gives 0 if nothing is left. */
  | { readonly kind: "collect" }
  /** Is answered when all before it have been. */
  | { readonly kind: "flush" }
  | { readonly kind: "vacuum" }
  /** The last one: closes the file. */
  | { readonly kind: "close" }

/** Pieces of an upload, or, with none, that it will not be used. Not answered. */
export interface PieceMessage {
  readonly kind: "pieces"
  readonly number: number
  readonly pieces: ReadonlyArray<string> | undefined
}

export type ToWriter = Op | PieceMessage

/** What came of an op: a number that the op says the meaning of, or why nothing was done. */
export type Outcome = number | Refusal

export type FromWriter =
  | { readonly kind: "opened" }
  | { readonly kind: "unopened"; readonly refusal: Refusal }
  /** Of the next ops that have no outcome yet. */
  | { readonly kind: "outcomes"; readonly outcomes: ReadonlyArray<Outcome> }
