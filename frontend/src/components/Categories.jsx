// What a report can be about.
import { Icon } from './Icon'

/** `Heating and cooling, lifts …`: the first of its children. @param {import('../api').Category} parent @param {import('../api').Category[]} all */
export function examplesOf(parent, all) {
  const names = all.filter((one) => one.parent_id === parent.id).map((one) => one.name.split(/,| and /)[0])
  const few = names.slice(0, 4)
  return few.map((name, index) => (index ? name.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) : name)).join(', ')
}

const ICONS = ['facilities', 'it', 'services']
/** The three kinds that a campus begins with have icons of their own. @param {{slug: string}} props */
export const CategoryIcon = ({ slug }) => (
  <span className="cat" data-cat={slug}>
    <Icon name={ICONS.includes(slug) ? slug : 'tag'} size="lg" />
  </span>
)
