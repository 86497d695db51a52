import { Autocomplete, NumberInput, Select, Stack, TagsInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Names } from '../../editor/api';
import { DEPTH, type Kind, kindOf, KINDS, type Reason, REASONS, RING_S, type Ring, ringOf, STRATEGIES, type Strategy, type To, toOf } from './table';

type Props = {
  to: To; names: Names; onChange: (to: To) => void; error: (place: string) => string | undefined;
  /** Its place in the rule, such as `to.otherwise`, and how many destinations it is from the first. */
  at: string; depth: number;
};

/** Where a call goes, and where it goes on when nobody answers there. */
export function DestinationField({ to, names, onChange, error, at, depth }: Props) {
  const { t } = useTranslation();
  const kind = kindOf(to);
  const ring = (part: Partial<Ring>) => onChange(changed(to, part));
  const rings = kind === 'user' || kind === 'number' || kind === 'group';
  const { ring_s = RING_S, otherwise } = ringOf(to);
  const behind = otherwise === undefined ? 'end' : kindOf(otherwise);
  const kinds = KINDS.map((value) => ({ value: value as string, label: t(`lines.kind.${value}`) }));
  return (
    <Stack gap="sm">
      {depth === 1 && (
        <Select label={t('lines.destination')} data={kinds} value={kind} allowDeselect={false}
          onChange={(value) => value && value !== kind && onChange(toOf(value as Kind, to))} />
      )}
      <Whom to={to} names={names} error={error(at)} onChange={onChange} />
      {rings && (
        <>
          <NumberInput label={t('lines.ring')} suffix={` ${t('lines.seconds')}`} min={1} max={600} allowDecimal={false} value={ring_s} maw={200}
            error={error(`${at}.ring_s`)} onChange={(value) => ring({ ring_s: typeof value === 'number' ? value : Number.NaN })} />
          {depth < DEPTH && (
            <Select label={t('lines.nobody')} value={behind} allowDeselect={false}
              data={[{ value: 'end', label: t('lines.callEnds') }, ...kinds]}
              onChange={(value) => value && value !== behind && ring({ otherwise: value === 'end' ? undefined : toOf(value as Kind, 'fall_back') })} />
          )}
          {otherwise !== undefined && (
            <div className="line-behind">
              <DestinationField to={otherwise} names={names} at={`${at}.otherwise`} depth={depth + 1} error={error} onChange={(next) => ring({ otherwise: next })} />
            </div>
          )}
        </>
      )}
    </Stack>
  );
}

/** The destination with other settings of its ringing. */
function changed(to: To, part: Partial<Ring>): To {
  if (typeof to === 'string') return to;
  if ('user' in to) return { user: { ...to.user, ...part } };
  if ('number' in to) return { number: { ...to.number, ...part } };
  return 'group' in to ? { group: { ...to.group, ...part } } : to;
}

function Whom({ to, names, error, onChange }: Pick<Props, 'to' | 'names' | 'onChange'> & { error: string | undefined }) {
  const { t } = useTranslation();
  const users = names.users ?? [];
  const line = { error, limit: 50, spellCheck: false, required: true };
  if (to === 'fall_back') return null;
  if ('user' in to) {
    const data = [...new Set([...users, ...(to.user.user ? [to.user.user] : [])])];
    return (
      <Select label={t('lines.kind.user')} data={data} value={to.user.user || null} searchable required error={error} limit={50}
        nothingFoundMessage={t('lines.noUser')} onChange={(user) => onChange({ user: { ...to.user, user: user ?? '' } })} />
    );
  }
  if ('number' in to) {
    return <Autocomplete {...line} label={t('lines.kind.number')} description={t('lines.numberOf')} data={users} value={to.number.number} onChange={(number) => onChange({ number: { ...to.number, number } })} />;
  }
  if ('group' in to) {
    const { members, strategy = 'all' } = to.group;
    return (
      <>
        <TagsInput label={t('lines.members')} description={t('lines.membersHint')} data={users} limit={50} maxTags={16} value={members} required error={error}
          onChange={(next) => onChange({ group: { ...to.group, members: next } })} />
        <Select label={t('lines.strategy')} data={STRATEGIES.map((value) => ({ value, label: t(`lines.order.${value}`) }))} value={strategy} allowDeselect={false}
          onChange={(value) => value && onChange({ group: { ...to.group, strategy: value as Strategy } })} />
      </>
    );
  }
  if ('voicemail' in to) {
    return <Autocomplete {...line} label={t('lines.box')} description={t('lines.boxHint')} data={users} value={to.voicemail.box} onChange={(box) => onChange({ voicemail: { box } })} />;
  }
  if ('scenario' in to) {
    const numbers = (names.numbers ?? []).filter((number) => !number.includes(':'));
    return <Autocomplete {...line} label={t('lines.elsewhere')} description={t('lines.elsewhereHint')} data={numbers} value={to.scenario.number} onChange={(number) => onChange({ scenario: { number } })} />;
  }
  return (
    <Select label={t('lines.cause')} data={REASONS.map((value) => ({ value, label: t(`lines.reason.${value}`) }))} value={to.hang_up} allowDeselect={false}
      onChange={(value) => value && onChange({ hang_up: value as Reason })} />
  );
}
