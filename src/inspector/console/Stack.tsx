/**
 * The stack of a throw: the frames of the viewer's own code are marked, and those of libraries are folded.
 *
 * Boundary: reads the text of a stack. A text without frames of own code is shown as it is.
 */
import { useSignal } from "@preact/signals"
import { number, plural } from "./format.ts"
import { Said } from "./parts.tsx"
import { Value } from "./ValueView.tsx"

const isFrame = (line: string): boolean => /^\s*at /.test(line)

/** Places that are not the viewer's: packages, this one, the runtime, and code that has no file. */
const foreign = /\/node_modules\/|\beffect-converge\/(?:dist|src)\/|\bnode:|\(native\)|<anonymous>/

/** Whether a line of a stack is a frame of the viewer's own code. */
export const isOwnFrame = (line: string): boolean => isFrame(line) && /[\\/]/.test(line) && !foreign.test(line)

/** A line of a stack, or the number of frames that are folded in its place. */
type Piece = { readonly line: string; readonly isOwn: boolean } | number

/** The lines before the frames, the own frames, and between them the numbers of others. */
export const foldedStack = (stack: string): ReadonlyArray<Piece> => {
  const pieces: Array<Piece> = []
  for (const line of stack.split("\n")) {
    const isOwn = isOwnFrame(line)
    const last = pieces.at(-1)
    if (!isFrame(line) || isOwn) pieces.push({ line, isOwn })
    else if (typeof last === "number") pieces[pieces.length - 1] = last + 1
    else pieces.push(1)
  }
  return pieces
}

export const Stack = ({ text }: { readonly text: string }) => {
  const isWhole = useSignal(false)
  const pieces = foldedStack(text)
  const hidden = pieces.reduce<number>((sum, piece) => sum + (typeof piece === "number" ? piece : 0), 0)
  if (hidden === 0 || !pieces.some((piece) => typeof piece !== "number" && piece.isOwn)) return <Value value={text} />
  return (
    <div class="stack">
      {isWhole.value ? (
        <Value value={text} />
      ) : (
        <pre tabIndex={0} aria-label="the stack, own code only">
          {pieces.map((piece, index) =>
            typeof piece === "number" ? (
              <small key={index}>{`    … ${plural(piece, "frame")} of libraries\n`}</small>
            ) : piece.isOwn ? (
              <b key={index} class="own">
                <Said text={piece.line} limit={1_000} hasLines />
                {"\n"}
              </b>
            ) : (
              <span key={index}>
                <Said text={piece.line} limit={2_000} hasLines />
                {"\n"}
              </span>
            )
          )}
        </pre>
      )}
      <button
        type="button"
        class="quiet"
        aria-expanded={isWhole.value}
        onClick={() => (isWhole.value = !isWhole.value)}
      >
        {isWhole.value ? "Only own code" : `Show all, with ${number(hidden)} of libraries`}
      </button>
    </div>
  )
}
