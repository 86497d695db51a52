import { Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { kindOf, search } from '../../model/index';
import type { FlowNode } from '../../model/index';

interface Props {
  nodes: readonly FlowNode[];
  opened: boolean;
  onClose: () => void;
  onShow: (node: string) => void;
}

const SHOWN = 30;

/** Finds steps by their names, words and settings. Enter shows the first. */
export function FindDialog({ nodes, opened, onClose, onShow }: Props) {
  const { t } = useTranslation('editor');
  const [query, setQuery] = useState('');
  const found = search(nodes, query);
  const show = (id: string | undefined) => {
    if (id === undefined) return;
    onClose();
    onShow(id);
  };
  return (
    <Modal opened={opened} onClose={onClose} title={t('toolbar.find')} closeButtonProps={{ 'aria-label': t('dialog.close') }}>
      <Stack gap="xs">
        <TextInput data-autofocus aria-label={t('find.query')} placeholder={t('find.hint')} value={query} onChange={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && show(found[0]?.node.id)} />
        <div role="status">{query !== '' && <Text size="xs" c="dimmed">{t('find.found', { count: found.length })}</Text>}</div>
        <div>
          {found.slice(0, SHOWN).map(({ node, where }) => (
            <button type="button" className="ed-problem" key={node.id} onClick={() => show(node.id)}>
              <b>{node.name}</b>
              <Text component="span" size="xs" c="dimmed" truncate>{where === node.name ? t(`kind.${kindOf(node)}`) : where}</Text>
            </button>
          ))}
        </div>
      </Stack>
    </Modal>
  );
}
