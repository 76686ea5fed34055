/** Text that a user wrote, as the page shows it. `bdi` sets it apart, so its direction never turns what is around it. */
import { number } from "./format.ts"
import { beginning, idPartsOf, type Mark, partsOf, visible } from "./text.ts"

export const Parts = ({ parts }: { readonly parts: ReadonlyArray<string | Mark> }) => (
  <>
    {parts.map((part, index) =>
      typeof part === "string" ? (
        part
      ) : (
        <span key={index} class="odd" title={part.code}>
          {part.mark}
        </span>
      )
    )}
  </>
)

interface Props {
  readonly text: string
  readonly limit?: number
  /** Whether line breaks are layout, as in a message. */
  readonly hasLines?: boolean
}

/** Text of a user: cut if it is long, with the number of characters that it has. */
export const Said = ({ hasLines = false, limit = 400, text }: Props) => {
  if (text === "")
    return (
      <bdi class="said">
        <i class="none">(empty)</i>
      </bdi>
    )
  const shown = beginning(text, limit)
  const isCut = shown.length < text.length
  return (
    <bdi
      class={hasLines ? "said lines" : "said"}
      title={isCut ? `${visible(text, 200)} (${number(text.length)} characters)` : visible(text)}
    >
      <Parts parts={hasLines ? partsOf(shown, true) : idPartsOf(shown)} />
      {isCut ? <small class="rest">… {number(text.length)} characters</small> : null}
    </bdi>
  )
}
