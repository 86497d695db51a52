import { Text, Tooltip } from '@mantine/core';
import { IconNote } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

import { PALETTE } from '../model/index';
import type { Kind } from '../model/index';
import { KIND_ICONS } from './kindIcons';

/** What a drag from the palette carries. */
export const DRAGGED = 'application/x-tandem-step';
export const COMMENT = 'comment';

interface Props {
  onAdd: (kind: Kind) => void;
  /** Absent: no comments to choose. */
  onComment?: () => void;
}

/** The kinds of steps. Dragged they come where they are dropped; chosen they come behind the selected step. */
export function Palette({ onAdd, onComment }: Props) {
  const { t } = useTranslation('editor');
  return (
    <>
      {PALETTE.map(({ category, kinds }) => (
        <section key={category} className={`ed-${category}`}>
          <Text component="h2" size="xs" fw={600} c="dimmed" mt={6} mb={4}>{t(`category.${category}`)}</Text>
          {kinds.map((kind) => {
            const Icon = KIND_ICONS[kind];
            return (
              <Tooltip key={kind} label={t(`about.${kind}`)} position="right" openDelay={600} multiline maw={260}>
                <button type="button" className="ed-kind-button" draggable onClick={() => onAdd(kind)}
                  onDragStart={(event) => event.dataTransfer.setData(DRAGGED, kind)}>
                  <Icon size={16} aria-hidden />
                  <span>{t(`kind.${kind}`)}</span>
                </button>
              </Tooltip>
            );
          })}
        </section>
      ))}
      {onComment && (
        <section className="ed-end">
          <Text component="h2" size="xs" fw={600} c="dimmed" mt={6} mb={4}>{t('category.other')}</Text>
          <button type="button" className="ed-kind-button" draggable onClick={onComment}
            onDragStart={(event) => event.dataTransfer.setData(DRAGGED, COMMENT)}>
            <IconNote size={16} aria-hidden />
            <span>{t('node.comment')}</span>
          </button>
        </section>
      )}
    </>
  );
}
