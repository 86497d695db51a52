//! The ways between a flow's nodes: which no way leads to, and in which circles nobody is waited for.

use std::collections::BTreeMap;

use super::Part;
use super::report::{Path, Report};
use crate::model::Action;
use crate::problem::What;

/// What the ways say of each node.
pub(super) struct Graph {
    reached: Vec<bool>,
    circles: Vec<Option<Circle>>,
}

/// A node's circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circle {
    /// No way leads out.
    Closed,
    /// One does.
    Open,
}

/// By place in the list of nodes, where to.
type Ways = Vec<Vec<usize>>;

impl Graph {
    pub(super) fn new(part: Part<'_>, ids: &BTreeMap<&str, usize>) -> Self {
        let mut all: Ways = vec![Vec::new(); part.nodes.len()];
        let mut dry: Ways = all.clone();
        for ((node, all), dry) in part.nodes.iter().zip(&mut all).zip(&mut dry) {
            node.action.ways(&mut |way| {
                let Some(to) = ids.get(way.target.as_str()) else {
                    return;
                };
                all.push(*to);
                let is_talk = is_dial(&node.action) && way.key == "next";
                let waits = |at: usize| part.nodes.get(at).is_some_and(|node| waits(&node.action));
                if !is_talk && !waits(*to) && !self::waits(&node.action) {
                    dry.push(*to);
                }
            });
        }
        let mut reached = vec![false; part.nodes.len()];
        if let Some(start) = ids.get(part.start.as_str()) {
            visit(*start, &all, &mut reached, &mut |_| ());
        }
        Self {
            reached,
            circles: circles(part, &all, &dry),
        }
    }

    pub(super) fn tell(&self, index: usize, at: &Path<'_>, report: &mut Report<'_>) {
        if self.reached.get(index) == Some(&false) {
            report.warning(at, What::Unreachable);
        }
        match self.circles.get(index) {
            Some(Some(Circle::Closed)) => report.warning(at, What::Loop),
            Some(Some(Circle::Open)) => report.warning(at, What::MaybeLoop),
            _ => (),
        }
    }
}

/// Where the caller does something, or time passes: a circle through one of these is no mistake.
fn waits(action: &Action) -> bool {
    matches!(
        action,
        Action::Menu(_) | Action::Collect(_) | Action::Voicemail(_) | Action::Flow(_)
    )
}

/// After a talk the steps are counted anew.
fn is_dial(action: &Action) -> bool {
    matches!(
        action,
        Action::DialUser(_) | Action::DialNumber(_) | Action::Group(_)
    )
}

/// The circles of `dry`: its strongly connected parts that hold one (Kosaraju).
fn circles(part: Part<'_>, all: &Ways, dry: &Ways) -> Vec<Option<Circle>> {
    let count = dry.len();
    let mut order = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for from in 0..count {
        visit(from, dry, &mut seen, &mut |left| order.push(left));
    }
    let mut back: Ways = vec![Vec::new(); count];
    for (from, targets) in dry.iter().enumerate() {
        for to in targets {
            if let Some(back) = back.get_mut(*to) {
                back.push(from);
            }
        }
    }
    let mut circles = vec![None; count];
    let mut taken = vec![false; count];
    for from in order.into_iter().rev() {
        let mut inside = Vec::new();
        visit(from, &back, &mut taken, &mut |left| inside.push(left));
        let ways = |at: usize| all.get(at).map_or(&[][..], Vec::as_slice);
        let itself = |at: usize| dry.get(at).is_some_and(|targets| targets.contains(&at));
        if inside.len() < 2 && !inside.iter().any(|at| itself(*at)) {
            continue;
        }
        inside.sort_unstable();
        let leaves = inside.iter().any(|at| {
            // A talk, or its failure, may end the call.
            part.nodes.get(*at).is_some_and(|node| is_dial(&node.action))
                || ways(*at).iter().any(|to| inside.binary_search(to).is_err())
        });
        for at in &inside {
            if let Some(circle) = circles.get_mut(*at) {
                *circle = Some(if leaves { Circle::Open } else { Circle::Closed });
            }
        }
    }
    circles
}

/// Depth first from a node over those not seen yet, without recursion; `leave` is called when all behind a node is done.
fn visit(from: usize, ways: &Ways, seen: &mut [bool], leave: &mut dyn FnMut(usize)) {
    let mut enter = |at: usize| match seen.get_mut(at) {
        Some(seen) if !*seen => {
            *seen = true;
            true
        }
        _ => false,
    };
    if !enter(from) {
        return;
    }
    let mut stack = vec![(from, 0)];
    while let Some((at, done)) = stack.last_mut() {
        let to = ways.get(*at).and_then(|targets| targets.get(*done));
        *done += 1;
        if let Some(to) = to {
            if enter(*to) {
                stack.push((*to, 0));
            }
        } else {
            leave(*at);
            stack.pop();
        }
    }
}
