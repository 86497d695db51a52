import { Accordion, Button, Group, Input, NumberInput, SimpleGrid, Slider, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { keysOf } from './EditNumber';
import { VersionSelect } from './VersionPicker';

type Props = { domain: string; number: Schemas['NumberWithSettings']; etag: string; onClose: () => void };

/** The terms under which a version is judged, with the server's defaults and bounds. */
const TERMS = { window: [10, 10_000, 100], margin: [0, 100, 5], fewest: [1, 10_000, 20], promote_after: [0, 100_000, 0] } as const;
type Term = keyof typeof TERMS;
const NAMES = Object.keys(TERMS) as Term[];
const MARKS = [10, 25, 50, 75].map((value) => ({ value, label: `${value}%` }));

/** Which version is tried with which share of the calls. */
export function TrialForm({ domain, number, etag, onClose }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { canary } = number;
  const [version, setVersion] = useState(canary?.version ?? '');
  const [share, setShare] = useState(canary?.share_percent ?? 10);
  const [terms, setTerms] = useState<Partial<Record<Term, number>>>(() => termsOf(canary));
  const set = useMutation({
    mutationFn: () => {
      const params = { path: { domain, number: number.number }, header: { 'If-Match': etag } };
      const body = { ...terms, ...(version ? { version } : {}), share_percent: share };
      return taken(api.PUT('/domains/{domain}/numbers/{number}/canary', { params, body }));
    },
    onSuccess: async () => {
      await Promise.all(keysOf(domain, number.number).map((queryKey) => queries.invalidateQueries({ queryKey })));
      onClose();
    },
  });
  const fields = fieldsOf(set.error);
  return (
    <form onSubmit={inPlace(set.mutate)}>
      <Stack gap="sm">
        <Failure error={set.error} shown={['version', 'share_percent', ...NAMES]} />
        {!canary && (
          <VersionSelect domain={domain} scenario={number.scenario} version={version} except={number.version} error={fields['version']}
            label={t('trial.version')} onChange={setVersion} />
        )}
        <Input.Wrapper label={t('trial.share', { share })} error={fields['share_percent']} mb="lg" component="div">
          <Slider value={share} onChange={setShare} min={1} max={99} marks={MARKS} label={(value) => `${value}%`} thumbLabel={t('trial.shareLabel')} />
        </Input.Wrapper>
        <Accordion variant="contained">
          <Accordion.Item value="terms">
            <Accordion.Control><Text size="sm">{t('trial.terms')}</Text></Accordion.Control>
            <Accordion.Panel>
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                {NAMES.map((term) => (
                  <NumberInput key={term} label={t(`trial.term.${term}`)} min={TERMS[term][0]} max={TERMS[term][1]} allowDecimal={false}
                    placeholder={String(TERMS[term][2])} value={terms[term] ?? ''} error={fields[term]}
                    onChange={(value) => setTerms((before) => withTerm(before, term, value))} />
                ))}
              </SimpleGrid>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        <Group gap="xs">
          <Button type="submit" size="xs" loading={set.isPending}>{t(canary ? 'trial.save' : 'trial.begin')}</Button>
          {!canary && <Button size="xs" variant="default" onClick={onClose}>{t('common.cancel')}</Button>}
        </Group>
      </Stack>
    </form>
  );
}

function termsOf(canary: Schemas['Canary'] | null): Partial<Record<Term, number>> {
  return Object.fromEntries(NAMES.flatMap((term) => (canary?.[term] === undefined ? [] : [[term, canary[term]]])));
}

/** An empty field leaves the term to the server. */
function withTerm(terms: Partial<Record<Term, number>>, term: Term, value: number | string) {
  const { [term]: _, ...others } = terms;
  return typeof value === 'number' ? { ...others, [term]: value } : others;
}
