/**
 * A list of any length, of which only the rows in sight are in the document.
 *
 * Rows have one height. The list is a grid of the ARIA kind: arrow keys move the chosen row, Home and End go to the ends,
 * Enter opens. The browser's own limit on heights (some 33 million pixels) is kept by scaling. Boundary: layout.
 */
import type { ComponentChildren, RefObject } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"

/** Tuning: rows above and below those in sight, so that a quick scroll finds them drawn. */
const overscan = 8
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
  readonly class?: string
}

/** The part of the list that is in sight, in pixels, and the scale of its places. */
const useWindow = (box: RefObject<HTMLDivElement | null>, full: number) => {
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const scale = full > maxHeight ? maxHeight / full : 1
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return undefined
    const observer = new ResizeObserver(() => setHeight(current.clientHeight))
    observer.observe(current)
    setHeight(current.clientHeight)
    return () => observer.disconnect()
  }, [])
  return { height, scale, setTop, top }
}

/** Brings a row in sight. */
const scrollTo = (box: HTMLElement, at: number, rowHeight: number): void => {
  if (at < box.scrollTop) box.scrollTop = at
  else if (at + rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = at + rowHeight - box.clientHeight
}

export const VirtualList = (props: Props) => {
  const { chosen, count, keyOf, label, onChoose, onEnd, onOpen, row, rowHeight } = props
  const box = useRef<HTMLDivElement>(null)
  const { height, scale, setTop, top } = useWindow(box, count * rowHeight)
  const first = Math.max(0, Math.floor(top / scale / rowHeight) - overscan)
  const last = Math.min(count, Math.ceil((top / scale + height) / rowHeight) + overscan)
  useEffect(() => {
    if (count > 0 && last >= count - overscan) onEnd?.()
  }, [last, count])
  const move = (index: number): void => {
    const next = Math.min(Math.max(index, 0), count - 1)
    onChoose(next)
    if (box.current !== null) scrollTo(box.current, next * rowHeight * scale, rowHeight)
  }
  const page = Math.max(1, Math.floor(height / rowHeight) - 1)
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => move(chosen + 1),
    ArrowUp: () => move(chosen - 1),
    PageDown: () => move(chosen + page),
    PageUp: () => move(chosen - page),
    Home: () => move(0),
    End: () => move(count - 1),
    Enter: () => chosen >= 0 && onOpen(chosen)
  }
  const rowAt = (index: number) => {
    const at = scale === 1 ? index * rowHeight : top + (index - Math.floor(top / scale / rowHeight)) * rowHeight
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
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      onKeyDown={(event) => {
        const act = keys[event.key]
        if (act === undefined || event.altKey || event.ctrlKey || event.metaKey) return
        event.preventDefault()
        act()
      }}
    >
      <div class="inside" style={{ height: `${count * rowHeight * scale}px` }}>
        {Array.from({ length: Math.max(0, last - first) }, (_, index) => rowAt(first + index))}
      </div>
    </div>
  )
}
