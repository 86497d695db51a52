import { Button, Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';

import { useScenarios } from '../scenarios/useScenarios';
import { type CallFilter, filterOf, FILTERS, localOf } from './callFilter';

/** The fields that narrow the list. What is typed goes into the page's address a moment later. */
export function CallFilters({ domain }: { domain: string }) {
  const { t } = useTranslation();
  const [search, setSearch] = useSearchParams();
  const filter = filterOf(search);
  const [cleared, setCleared] = useState(0);
  const scenarios = useScenarios(domain);
  const set = (key: keyof CallFilter, value: string) => {
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(key, value);
      else next.delete(key);
      return next;
    }, { replace: true });
  };
  const clear = () => {
    setSearch((before) => {
      const next = new URLSearchParams(before);
      FILTERS.forEach((key) => next.delete(key));
      return next;
    });
    setCleared(cleared + 1);
  };
  const moment = (key: 'since' | 'until') => (
    <TextInput key={`${key}${cleared}`} type="datetime-local" label={t(`calls.${key}`)} defaultValue={localOf(filter[key])}
      onChange={({ currentTarget: { value } }) => set(key, value ? new Date(value).toISOString() : '')} />
  );
  const names = scenarios.data?.map(({ name }) => name) ?? [];
  const known = filter.scenario && !names.includes(filter.scenario) ? [...names, filter.scenario] : names;
  return (
    <Group align="flex-end" gap="sm" role="search" aria-label={t('calls.filter')}>
      <Words key={`number${cleared}`} label={t('calls.number')} value={filter.number ?? ''} onChange={(value) => set('number', value)} />
      <Words key={`user${cleared}`} label={t('calls.user')} value={filter.user ?? ''} onChange={(value) => set('user', value)} />
      <Select label={t('calls.scenario')} data={known} value={filter.scenario ?? null} clearable searchable w={180}
        placeholder={t('calls.any')} nothingFoundMessage={t('calls.nothing')} onChange={(value) => set('scenario', value ?? '')}
        clearButtonProps={{ 'aria-label': t('calls.clear') }} />
      {moment('since')}
      {moment('until')}
      {Object.keys(filter).length > 0 && <Button variant="subtle" onClick={clear}>{t('calls.clear')}</Button>}
    </Group>
  );
}

type WordsProps = { label: string; value: string; onChange: (value: string) => void };

function Words({ label, value, onChange }: WordsProps) {
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(onChange, 350);
  return (
    <TextInput label={label} value={typed} w={140}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }} />
  );
}
