// A ticket's status: a shape and a word, never colour alone.
import { STATUS } from '../words'
import { Icon } from './Icon'

/** @param {{of: string, following?: boolean}} props */
export const wordOf = ({ of, following }) => (of === 'waiting' && following ? 'Waiting for an answer' : STATUS[of].word)

/** The shape alone, in front of a row whose end has the word. @param {{of: string}} props */
export const StatusIcon = ({ of }) => (
  <span className="status" data-status={of}>
    <Icon name={STATUS[of].icon} />
  </span>
)

/** @param {{of: string, following?: boolean, icon?: boolean}} props `following`: it is somebody else's, who is asked */
export const StatusPill = ({ of, following, icon = false }) => (
  <span className="status pill" data-status={of}>
    {icon && <Icon name={STATUS[of].icon} />}
    {wordOf({ of, following })}
  </span>
)
