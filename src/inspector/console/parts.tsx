/** Small parts that all views share. */
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { type ErrorJson, isReached, needsToken, type Problem, type State } from "./api.ts"
import { nextFrame } from "./browser.ts"
import { brief, toneOf } from "./format.ts"
import { Said } from "./Said.tsx"

export { Said } from "./Said.tsx"
export { visible } from "./text.ts"

export const StateMark = ({ state }: { readonly state: State }) => (
  <span class={`state ${toneOf(state)}`}>
    <i class="dot" aria-hidden="true" />
    {state === "budget-exhausted" ? "exhausted" : state}
  </span>
)

/** A problem, unless the page says it on top already. */
export const Fault = ({ problem: { detail, isToldOnTop, status, title } }: { readonly problem: Problem }) =>
  isToldOnTop === true ? null : (
    <p class="fault" role="alert">
      <b>
        {status > 0 ? `${status} ` : ""}
        {title}
      </b>
      {detail !== "" && detail !== title ? (
        <>
          {" "}
          <Said text={detail} limit={2_000} hasLines />
        </>
      ) : null}
    </p>
  )

/** In place of content that was asked for and has not come. */
export const Asking = ({ what }: { readonly what: string }) => (
  <p class="empty">
    {needsToken.value
      ? `Enter a token above to see ${what}.`
      : isReached.value
        ? `Loading ${what}…`
        : `This page shows ${what} as soon as the server answers.`}
  </p>
)

/** The fact of a conflict, and who gave it another value. */
const clashOf = ({ agents, id, kind }: ErrorJson): string => {
  const first: unknown = Array.isArray(agents) ? agents[0] : undefined
  const who = typeof first === "string" ? ` from ${JSON.stringify(first)}` : ""
  return typeof kind === "string" && typeof id === "string" ? `${kind}/${id} has another value${who}` : ""
}

/** The message of an error: its own, or that of the error in it. */
export const messageOf = (error: ErrorJson): string => {
  const inner = error["error"]
  if (typeof inner === "object" && inner !== null && "message" in inner && typeof inner.message === "string")
    return inner.message
  const own = error["message"] ?? error["reason"]
  if (typeof own === "string") return own
  if (error._tag === "MergeConflict") return clashOf(error)
  return inner === undefined ? "" : brief(inner)
}

/** How much of a budget is used. */
export const Bar = ({
  used,
  limit,
  label
}: {
  readonly used: number
  readonly limit: number
  readonly label: string
}) => {
  const part = limit <= 0 ? 1 : Math.min(used / limit, 1)
  return (
    <span class="bar" role="img" aria-label={`${label}: ${Math.round(part * 100)} %`} title={label}>
      <i class={part >= 1 ? "full" : part > 0.8 ? "near" : ""} style={{ width: `${part * 100}%` }} />
    </span>
  )
}

export const Panel = ({
  title,
  note,
  children,
  tone
}: {
  readonly title: string
  readonly note?: ComponentChildren
  readonly children: ComponentChildren
  readonly tone?: "bad" | "warn" | "live" | "good"
}) => (
  <section class={`panel ${tone ?? ""}`}>
    <h2>
      {title} {note === undefined ? null : <small>{note}</small>}
    </h2>
    {children}
  </section>
)

/** Keeps its height while what is in it is on its way, so that the page does not jump. */
export const Held = ({ isBusy, children }: { readonly isBusy: boolean; readonly children: ComponentChildren }) => {
  const box = useRef<HTMLDivElement>(null)
  const height = useRef(0)
  // The document still has what was shown before.
  if (!isBusy || height.current === 0) height.current = isBusy ? (box.current?.offsetHeight ?? 0) : 0
  return (
    <div class="held" ref={box} aria-busy={isBusy} style={{ minHeight: isBusy ? `${height.current}px` : "0" }}>
      {children}
    </div>
  )
}

export const Empty = ({ children }: { readonly children: ComponentChildren }) => <p class="empty">{children}</p>

/** Closes the pane of a chosen row, and gives the focus to the list that it was chosen in. `of`: the class of that list. */
export const ClosePane = ({
  name,
  of,
  onClose
}: {
  readonly name: string
  readonly of: string
  readonly onClose: () => void
}) => (
  <button
    type="button"
    class="quiet closePane"
    aria-label={name}
    onClick={() => {
      onClose()
      // In full width, the list is back a moment later.
      nextFrame(() => document.querySelector<HTMLElement>(`.${of}`)?.focus())
    }}
  >
    Close
  </button>
)

/**
 * A question before a destructive act. It takes the focus, and gives it back. `rest`: the part of the page that gets it after a
 * yes, where the button that asked goes away.
 */
export const Confirm = ({
  title,
  children,
  act,
  keep,
  rest,
  onYes,
  onNo
}: {
  readonly title: string
  readonly children: ComponentChildren
  /** The words of the two buttons. */
  readonly act: string
  readonly keep: string
  readonly rest?: string
  readonly onYes: () => void
  readonly onNo: () => void
}) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const isGone = useRef(false)
  const isAgreed = useRef(false)
  useEffect(() => {
    const before = document.activeElement
    const { current } = dialog
    current?.showModal()
    return () => {
      // A dialog that is open keeps the focus in it. Its close is told later, when another may be open, which must stay.
      isGone.current = true
      current?.close()
      const after = isAgreed.current && rest !== undefined ? document.querySelector(rest) : before
      if (after instanceof HTMLElement) after.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} aria-label={title} onClose={() => isGone.current || onNo()}>
      <h2>{title}</h2>
      <div>{children}</div>
      <div class="menu">
        <button type="button" onClick={onNo} autofocus>
          {keep}
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            isAgreed.current = true
            onYes()
          }}
        >
          {act}
        </button>
      </div>
    </dialog>
  )
}

/** A name and what it names, in a list of definitions. */
export const Line = ({
  name,
  title,
  children
}: {
  readonly name: ComponentChildren
  readonly title?: string
  readonly children: ComponentChildren
}) => (
  <div>
    <dt>{name}</dt>
    <dd title={title}>{children}</dd>
  </div>
)
