/**
 * A list of any length, of which only the rows in sight are in the document.
 *
 * Rows have one height. The list is a grid of the ARIA kind: arrow keys move the chosen row, Home and End go to the ends,
 * Enter opens. The browser's own limit on heights (some 33 million pixels) is kept by scaling. Boundary: layout.
 */
import type { ComponentChildren, RefObject } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"

/** Tuning: rows above and below those in sight, so that a quick scroll finds them drawn. */
export const overscan = 8
/** Browsers cut taller elements. */
const maxHeight = 8_000_000

interface Props {
  readonly label: string
  readonly count: number
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  readonly keyOf: (index: number) => string
  /** The chosen row; -1 if there is none. */
  readonly chosen: number
  readonly onChoose: (index: number) => void
  readonly onOpen: (index: number) => void
  /** Called when rows near the end come in sight, so that more can be fetched. */
  readonly onEnd?: () => void
  /** Called with the rows that are in the document. */
  readonly onShow?: (first: number, last: number) => void
  readonly class?: string
}

/**
 * The part of the list that is in sight. `top` is in pixels of the whole list. The browser scrolls over fewer if the list is too
 * tall for it, so that its end is the end of both.
 */
const useWindow = (box: RefObject<HTMLDivElement | null>, full: number) => {
  const [scrolled, setScrolled] = useState(0)
  const [height, setHeight] = useState(600)
  const inside = Math.min(full, maxHeight)
  const scale = inside < full ? (inside - height) / (full - height) : 1
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const observer = new ResizeObserver(() => setHeight(current.clientHeight))
    observer.observe(current)
    setHeight(current.clientHeight)
    return () => observer.disconnect()
  }, [])
  return { height, inside, scale, scrolled, setScrolled, top: scrolled / scale }
}

/** The act of each key. `page`: rows of a page. */
const keysOf = (
  { chosen, count, onOpen }: Props,
  page: number,
  move: (index: number) => void
): Readonly<Record<string, () => void>> => ({
  ArrowDown: () => move(chosen + 1),
  ArrowUp: () => move(chosen - 1),
  PageDown: () => move(chosen + page),
  PageUp: () => move(chosen - page),
  Home: () => move(0),
  End: () => move(count - 1),
  Enter: () => chosen >= 0 && onOpen(chosen)
})

export const VirtualList = (props: Props) => {
  const { chosen, count, keyOf, label, onChoose, onEnd, onOpen, onShow, row, rowHeight } = props
  const box = useRef<HTMLDivElement>(null)
  const { height, inside, scale, scrolled, setScrolled, top } = useWindow(box, count * rowHeight)
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan)
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + overscan)
  useEffect(() => {
    if (count > 0 && last >= count - overscan) onEnd?.()
  }, [last, count])
  useEffect(() => onShow?.(first, last), [first, last, count])
  const move = (index: number): void => {
    const next = Math.min(Math.max(index, 0), count - 1)
    onChoose(next)
    if (box.current === null) return
    const at = next * rowHeight
    if (at < top) box.current.scrollTop = Math.floor(at * scale)
    else if (at + rowHeight > top + height) box.current.scrollTop = Math.ceil((at + rowHeight - height) * scale)
  }
  const keys = keysOf(props, Math.max(1, Math.floor(height / rowHeight) - 1), move)
  const rowAt = (index: number) => {
    const at = scale === 1 ? index * rowHeight : scrolled + index * rowHeight - top
    return (
      <div
        key={keyOf(index)}
        id={`row-${index}`}
        role="option"
        aria-selected={index === chosen}
        aria-posinset={index + 1}
        aria-setsize={count}
        class={index === chosen ? "row chosen" : "row"}
        style={{ transform: `translateY(${at}px)`, height: `${rowHeight}px` }}
        onClick={() => {
          onChoose(index)
          onOpen(index)
        }}
      >
        {row(index)}
      </div>
    )
  }
  return (
    <div
      ref={box}
      class={`virtual ${props.class ?? ""}`}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={chosen >= first && chosen < last ? `row-${chosen}` : undefined}
      onScroll={({ currentTarget }) => setScrolled(currentTarget.scrollTop)}
      onKeyDown={(event) => {
        const act = keys[event.key]
        if (act === undefined || event.altKey || event.ctrlKey || event.metaKey) return
        event.preventDefault()
        act()
      }}
    >
      <div class="inside" style={{ height: `${inside}px` }}>
        {Array.from({ length: Math.max(0, last - first) }, (_, index) => rowAt(first + index))}
      </div>
    </div>
  )
}
