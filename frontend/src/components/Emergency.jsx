// Whom to call first, as the setting says it. Numbers in it can be called.

/** Three digits or more, as people write them. */
const NUMBER = /(\+?\d[\d /-]+\d)/

/** @param {{text: string}} props */
export const Callable = ({ text }) =>
  text.split(NUMBER).map((part, index) =>
    index % 2 ? (
      <a key={index} className="hit nowrap" href={`tel:${part.replace(/[^\d+]/g, '')}`}>
        {part}
      </a>
    ) : (
      part
    ),
  )
