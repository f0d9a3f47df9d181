// Photos beside a text that is being written: add, see how far each is, take away.
import { useId, useRef } from 'react'
import { announce } from './Announcer'
import { FieldError } from './Field'
import { Icon } from './Icon'

/**
 * @param {{photos: ReturnType<typeof import('../photos').usePhotos>, compact?: boolean, error?: string, hint?: string}} props
 *   `compact`: a button instead of a tile, for a composer
 */
export function Photos({ photos, compact = false, error, hint }) {
  const id = useId()
  const tilesBox = useRef(/** @type {HTMLDivElement | null} */ (null))
  const chooser = useRef(/** @type {HTMLInputElement | null} */ (null))
  const wrong = new Set([error, photos.error, ...photos.items.map((one) => one.error)].filter(Boolean))
  const full = photos.items.length >= photos.max

  /** @param {string} key @param {number} index */
  function remove(key, index) {
    photos.remove(key)
    announce(`Photo ${index + 1} removed.`)
    // the button is gone: to the next one, or to adding another
    setTimeout(() => {
      const next = tilesBox.current?.querySelectorAll('button')[index] ?? chooser.current
      next?.focus()
    })
  }

  const input = (
    <input
      ref={chooser}
      type="file"
      accept="image/*"
      multiple
      aria-describedby={hint ? `${id}-h` : undefined}
      onChange={(event) => {
        void photos.add([...(event.target.files ?? [])])
        event.target.value = '' // the same photo can be chosen again
      }}
    />
  )
  const tiles = photos.items.map(({ key, name, url, progress, id: there, error: failed }, index) => (
    <div className={url ? 'thumb' : 'thumb blank'} key={key}>
      {url && <img src={url} width="640" height="480" alt={`Photo ${index + 1}: ${name}`} />}
      {!there && !failed && <progress value={progress} aria-label={`Uploading photo ${index + 1}`} />}
      <button className="remove" type="button" aria-label={`Remove photo ${index + 1}`} onClick={() => remove(key, index)}>
        <Icon name="x" />
      </button>
    </div>
  ))
  return (
    <>
      {hint && (
        <p className="hint" id={`${id}-h`}>
          {hint}
        </p>
      )}
      <div className="whole" aria-live="polite">
        {[...wrong].map((words) => (
          <FieldError key={words}>{words}</FieldError>
        ))}
      </div>
      {(tiles.length > 0 || !compact) && (
        <div className="thumbs" ref={tilesBox}>
          {tiles}
          {!compact && !full && (
            <label className="drop">
              <Icon name="camera" size="lg" />
              Add photos
              {input}
            </label>
          )}
        </div>
      )}
      {compact && !full && (
        <label className="btn ghost add-photos">
          <Icon name="camera" />
          Add photos
          {input}
        </label>
      )}
    </>
  )
}
