/**
 * A JSON value: small parts open, large and deep ones folded, long texts cut with their length. The whole can be read page by
 * page, copied, and saved.
 *
 * Invariants: at first a bounded number of parts is drawn, and each step of the viewer's draws a bounded number more, so no value
 * freezes the page; text stays text. Boundary: draws; the caller fetches what the server has cut.
 */
import { useSignal } from "@preact/signals"
import { useState } from "preact/hooks"
import type { Answer, Problem } from "./answer.ts"
import { bytes, number, plural } from "./format.ts"
import { canCopy, copy, save, type TextInPieces } from "./browser.ts"
import { Fault } from "./parts.tsx"
import { printed, printedPieces } from "./printed.ts"
import { Parts } from "./Said.tsx"
import { beginning, partsOf } from "./text.ts"

/** Tuning: parts that are drawn at first, and that a step of the viewer's opens; levels of them; characters of one text. */
const partsAtOnce = 200
const levelsAtOnce = 8
const textAtOnce = 2_000
/** Tuning: characters of a value that is on one line. */
const lineLength = 160
/** Tuning: characters of a page of a long text. */
const pageLength = 20_000

/** The parts that may still be drawn. It is shared by all parts of one drawing. */
interface Room {
  left: number
  readonly depth: number
  readonly read: (text: string) => void
}

interface NodeProps {
  readonly value: unknown
  readonly depth: number
  readonly room: Room
  /** The text behind it: a comma, or nothing. */
  readonly behind: string
}

const pad = (depth: number): string => "  ".repeat(Math.min(depth, 40))

const TextValue = ({ room, text }: { readonly text: string; readonly room: Room }) => {
  const shown = beginning(text, textAtOnce)
  const quoted = JSON.stringify(shown)
  if (shown.length === text.length) return <Parts parts={partsOf(quoted)} />
  return (
    <>
      <Parts parts={partsOf(quoted.slice(0, -1))} />
      <button type="button" class="fold" onClick={() => room.read(text)}>
        … {number(text.length - shown.length)} more characters
      </button>
    </>
  )
}

const Container = ({ behind, depth, room, value }: NodeProps & { readonly value: object }) => {
  const names = Array.isArray(value) ? undefined : Object.keys(value)
  const count = names?.length ?? (value as ReadonlyArray<unknown>).length
  const [begin, end] = names === undefined ? ["[", "]"] : ["{", "}"]
  const [shown, setShown] = useState(() => {
    if (depth - room.depth >= levelsAtOnce || room.left <= 0) return 0
    const most = Math.min(count, partsAtOnce, Math.max(room.left, 1))
    room.left -= most
    return most
  })
  const [own, setOwn] = useState<Room | undefined>(undefined)
  if (count === 0) return <>{`${begin}${end}${behind}`}</>
  const open = (): void => {
    setOwn({ left: partsAtOnce, depth, read: room.read })
    setShown(Math.min(count, shown + partsAtOnce))
  }
  const size = names === undefined ? plural(count, "item") : plural(count, "field")
  if (shown === 0)
    return (
      <>
        <button type="button" class="fold" aria-expanded={false} onClick={open}>
          {`${begin}… ${size}${end}`}
        </button>
        {behind}
      </>
    )
  const all = value as Readonly<Record<string | number, unknown>>
  return (
    <>
      {begin}
      {depth === 0 ? null : (
        <button type="button" class="fold close" aria-label={`Fold ${size}`} onClick={() => setShown(0)} />
      )}
      {Array.from({ length: shown }, (_, index) => {
        const name = names?.[index]
        return (
          <span key={index}>
            {`\n${pad(depth + 1)}`}
            {name === undefined ? null : (
              <b class="name">
                <Parts parts={partsOf(JSON.stringify(beginning(name, 200)))} />
                {": "}
              </b>
            )}
            <Node
              value={all[name ?? index]}
              depth={depth + 1}
              room={own ?? room}
              behind={index < count - 1 ? "," : ""}
            />
          </span>
        )
      })}
      {shown < count ? (
        <>
          {`\n${pad(depth + 1)}`}
          <button type="button" class="fold" onClick={open}>
            … {number(count - shown)} more
          </button>
        </>
      ) : null}
      {`\n${pad(depth)}${end}${behind}`}
    </>
  )
}

const Node = (props: NodeProps) => {
  const { behind, room, value } = props
  if (typeof value === "object" && value !== null) return <Container {...props} value={value} />
  return (
    <>
      {typeof value === "string" ? <TextValue text={value} room={room} /> : (JSON.stringify(value) ?? "null")}
      {behind}
    </>
  )
}

/** A long text, page by page. */
const Reader = ({ onEnd, text }: { readonly text: string; readonly onEnd: () => void }) => {
  const page = useSignal(0)
  const last = Math.ceil(text.length / pageLength) - 1
  const from = page.value * pageLength
  const to = Math.min(text.length, from + pageLength)
  const go = (to: number) => () => (page.value = Math.min(Math.max(to, 0), last))
  return (
    <section class="reader" aria-label="The whole text">
      <div class="menu">
        <small class="grow">
          characters {number(from + 1)} to {number(to)} of {number(text.length)}
        </small>
        {last === 0 ? null : (
          <>
            <button type="button" disabled={page.value === 0} onClick={go(0)}>
              first
            </button>
            <button type="button" disabled={page.value === 0} onClick={go(page.value - 1)}>
              previous
            </button>
            <button type="button" disabled={page.value === last} onClick={go(page.value + 1)}>
              next
            </button>
            <button type="button" disabled={page.value === last} onClick={go(last)}>
              last
            </button>
          </>
        )}
        <Take name="text.txt" textOf={() => text} />
        <button type="button" class="quiet" onClick={onEnd}>
          close
        </button>
      </div>
      <pre tabIndex={0}>
        <bdi>
          <Parts parts={partsOf(text.slice(from, to), true)} />
        </bdi>
      </pre>
    </section>
  )
}

/** Buttons that copy and save a text. It is made when somebody wants it. */
const Take = ({ name, textOf }: { readonly name: string; readonly textOf: () => TextInPieces }) => {
  const said = useSignal("copy")
  return (
    <>
      {canCopy ? (
        <button
          type="button"
          class="quiet"
          onClick={() => void copy(textOf()).then((isDone) => (said.value = isDone ? "copied" : "not copied"))}
        >
          {said.value}
        </button>
      ) : null}
      <button type="button" class="quiet" onClick={() => void save(name, textOf())}>
        save
      </button>
    </>
  )
}

interface Props {
  readonly value: unknown
  readonly class?: string
  readonly label?: string
  /** Characters of the whole value, where `value` is only the beginning of its text. */
  readonly length?: number | undefined
  /** Fetches the whole value, where the server cut it. */
  readonly whole?: (() => Promise<Answer<unknown> | undefined>) | undefined
  /** Whether it can be copied and saved. Default: no. */
  readonly isMain?: boolean
  /** Whether a value of few characters is on one line. Default: no. */
  readonly isOnLine?: boolean
}

/** A value whose text is a text of the user, such as a stack, keeps its lines. */
const Lines = ({ room, text }: { readonly text: string; readonly room: Room }) => {
  const shown = beginning(text, textAtOnce * 4)
  return (
    <bdi>
      <Parts parts={partsOf(shown, true)} />
      {shown.length < text.length ? (
        <button type="button" class="fold" onClick={() => room.read(text)}>
          … {number(text.length - shown.length)} more characters
        </button>
      ) : null}
    </bdi>
  )
}

/** A value that the server has cut: the beginning of its text, and a way to the rest. */
const Cut = ({
  class: name,
  length,
  value,
  whole,
  onWhole
}: Props & { readonly onWhole: (value: unknown) => void }) => {
  const isBusy = useSignal(false)
  const problem = useSignal<Problem | undefined>(undefined)
  const fetchWhole = async (): Promise<void> => {
    isBusy.value = true
    const answer = await whole?.()
    isBusy.value = false
    if (answer === undefined) return
    problem.value = answer.ok ? undefined : answer.problem
    if (answer.ok) onWhole(answer.value)
  }
  return (
    <>
      <pre class={name} tabIndex={0}>
        <Parts parts={partsOf(String(value))} />…
      </pre>
      <p class="cutNote">
        <small>The beginning of {bytes(length ?? 0)} of JSON.</small>{" "}
        {whole === undefined ? null : (
          <button type="button" disabled={isBusy.value} onClick={() => void fetchWhole()}>
            show the whole value
          </button>
        )}
      </p>
      {problem.value === undefined ? null : <Fault problem={problem.value} />}
    </>
  )
}

/** A value of a user, with a way to all of it. */
export const Value = (props: Props) => {
  const { class: name = "", isMain = false, isOnLine = false, label, length, value } = props
  const fetched = useSignal<{ readonly value: unknown } | undefined>(undefined)
  const read = useSignal<string | undefined>(undefined)
  const [room] = useState((): Room => ({ left: partsAtOnce, depth: 0, read: (text) => (read.value = text) }))
  if (length !== undefined && fetched.value === undefined)
    return <Cut {...props} onWhole={(whole) => (fetched.value = { value: whole })} />
  const shown = fetched.value === undefined ? value : fetched.value.value
  const isText = typeof shown === "string"
  const line = isOnLine && !isText ? printed(shown, lineLength, 0) : undefined
  return (
    <div class="valueBox">
      <pre class={name} tabIndex={0} aria-label={label}>
        {isText ? (
          shown === "" ? (
            <i class="none">(empty text)</i>
          ) : (
            <Lines text={shown} room={room} />
          )
        ) : line?.isWhole === true ? (
          <Parts parts={partsOf(line.text)} />
        ) : (
          <Node value={shown} depth={0} room={room} behind="" />
        )}
      </pre>
      {isMain || fetched.value !== undefined ? (
        <div class="menu take">
          <Take name="value.json" textOf={() => (isText ? shown : printedPieces(shown))} />
        </div>
      ) : null}
      {read.value === undefined ? null : <Reader text={read.value} onEnd={() => (read.value = undefined)} />}
    </div>
  )
}
