import { Box, Fieldset, Group, Menu, Button, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Problems } from './check';
import { DAYS, type Span } from './document';
import { Spans } from './Spans';

type Props = { week: Span[][]; onChange: (week: Span[][]) => void; problems: Problems; disabled: boolean };

/** Hours of each day of the week, drawn beside. */
export function WeekFields({ week, onChange, problems, disabled }: Props) {
  const { t } = useTranslation();
  const set = (day: number, spans: Span[]) => onChange(week.map((old, index) => (index === day ? spans : old)));
  const copy = (day: number, to: number[]) =>
    onChange(week.map((old, index) => (to.includes(index) ? (week[day] ?? []).map((span) => ({ ...span })) : old)));
  return (
    <Fieldset legend={t('schedules.week')}>
      <Stack gap="xs">
        {DAYS.map((day, index) => (
          <Group key={day} align="flex-start" wrap="nowrap" gap="xs" className="week-day">
            <Box w={104} pt={4} style={{ flexShrink: 0 }}>
              <Text size="sm" fw={500}>{t(`schedules.${day}`)}</Text>
              <DayBar spans={week[index] ?? []} before={week[(index + 6) % 7] ?? []} />
            </Box>
            <Box flex={1} miw={0}>
              <Spans of={t(`schedules.${day}`)} spans={week[index] ?? []} onChange={(spans) => set(index, spans)}
                place={`week.${index}`} problems={problems} disabled={disabled} />
            </Box>
            {!disabled && <CopyMenu day={t(`schedules.${day}`)} onCopy={(to) => copy(index, to)} />}
          </Group>
        ))}
      </Stack>
    </Fieldset>
  );
}

function CopyMenu({ day, onCopy }: { day: string; onCopy: (to: number[]) => void }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button size="compact-sm" variant="default" style={{ flexShrink: 0 }} aria-label={t('schedules.copyOf', { day })}>{t('schedules.copy')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onCopy([0, 1, 2, 3, 4])}>{t('schedules.toWorkdays')}</Menu.Item>
        <Menu.Item onClick={() => onCopy([5, 6])}>{t('schedules.toWeekend')}</Menu.Item>
        <Menu.Item onClick={() => onCopy([0, 1, 2, 3, 4, 5, 6])}>{t('schedules.toAll')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

const DAY = 24 * 60;

function minutes(time: string): number {
  const [hours = 0, rest = 0] = time.split(':').map(Number);
  return hours * 60 + rest;
}

/** When a day is open, from midnight to midnight; what the day before runs over is part of it. */
function DayBar({ spans, before }: { spans: Span[]; before: Span[] }) {
  const complete = ({ from, to }: Span) => from !== '' && to !== '';
  const today = spans.filter(complete).map(({ from, to }) => ({ from: minutes(from), to: to > from ? minutes(to) : DAY }));
  const over = before.filter(complete).filter(({ from, to }) => to < from).map(({ to }) => ({ from: 0, to: minutes(to) }));
  return (
    <div className="day-bar" aria-hidden>
      {[...over, ...today].map(({ from, to }, index) => (
        <i key={index} style={{ left: `${(100 * from) / DAY}%`, width: `${(100 * (to - from)) / DAY}%` }} />
      ))}
    </div>
  );
}
