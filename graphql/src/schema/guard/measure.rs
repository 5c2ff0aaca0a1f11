//! Measures a parsed document with every spread expanded, without expanding any.

use std::collections::{BTreeMap, HashMap};

use async_graphql::{
    Pos, Positioned,
    parser::types::{
        Directive, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
};
use jotrack_core::Limits;

use super::Refusal;

/// Lists through which a schema leads back to itself.
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Refuses a document beyond a limit; returns how many selections were looked at.
pub(super) fn measure(document: &ExecutableDocument, limits: &Limits) -> Result<usize, Refusal> {
    let fragments: BTreeMap<&str, &Positioned<FragmentDefinition>> =
        document.fragments.iter().map(|(name, fragment)| (name.as_str(), fragment)).collect();
    let mut operations: Vec<_> =
        document.operations.iter().map(|(_, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.pos);

    if fragments.len() + operations.len() > limits.definitions {
        return Err(Refusal::over("definitions", "definitions", limits.definitions));
    }

    let mut survey = Survey { limits, directives: 0, visited: 0 };
    for operation in &operations {
        survey.operation(operation)?;
    }
    let mut spreads = BTreeMap::new();
    for (name, fragment) in &fragments {
        spreads.insert(*name, survey.fragment(fragment)?);
    }

    let mut known = HashMap::new();
    for name in order(&spreads)? {
        if let Some(fragment) = fragments.get(name) {
            let totals = Totals::of_set(&fragment.node.selection_set.node, &known);
            totals.check_fragment(fragment, limits)?;
            known.insert(name, totals);
        }
    }
    for operation in &operations {
        Totals::of_set(&operation.node.selection_set.node, &known)
            .check_operation(operation, limits)?;
    }
    Ok(survey.visited)
}

/// Limits on the text as written, without expansion.
struct Survey<'a> {
    limits: &'a Limits,
    directives: usize,
    visited: usize,
}

impl Survey<'_> {
    fn operation(&mut self, operation: &Positioned<OperationDefinition>) -> Result<(), Refusal> {
        let variables = &operation.node.variable_definitions;
        if variables.len() > self.limits.variables {
            return Err(
                Refusal::over("variables", "variables", self.limits.variables).at(operation.pos)
            );
        }
        self.directives(&operation.node.directives, operation.pos)?;
        for variable in variables {
            self.directives(&variable.node.directives, variable.pos)?;
        }
        self.set(&operation.node.selection_set, &mut Vec::new())
    }

    /// Returns the names spread anywhere in the fragment.
    fn fragment<'d>(
        &mut self,
        fragment: &'d Positioned<FragmentDefinition>,
    ) -> Result<Vec<(&'d str, Pos)>, Refusal> {
        self.directives(&fragment.node.directives, fragment.pos)?;
        let mut spreads = Vec::new();
        self.set(&fragment.node.selection_set, &mut spreads)?;
        Ok(spreads)
    }

    fn set<'d>(
        &mut self,
        set: &'d Positioned<SelectionSet>,
        spreads: &mut Vec<(&'d str, Pos)>,
    ) -> Result<(), Refusal> {
        if set.node.items.len() > self.limits.selection_set {
            return Err(Refusal::over(
                "selections in one selection set",
                "selection_set",
                self.limits.selection_set,
            )
            .at(set.pos));
        }
        for selection in &set.node.items {
            self.visited += 1;
            self.directives(selection.node.directives(), selection.pos)?;
            match &selection.node {
                Selection::Field(field) => self.set(&field.node.selection_set, spreads)?,
                Selection::InlineFragment(inline) => {
                    self.set(&inline.node.selection_set, spreads)?;
                }
                Selection::FragmentSpread(spread) => {
                    spreads.push((spread.node.fragment_name.node.as_str(), spread.pos));
                }
            }
        }
        Ok(())
    }

    fn directives(
        &mut self,
        directives: &[Positioned<Directive>],
        position: Pos,
    ) -> Result<(), Refusal> {
        let limits = self.limits;
        if directives.len() > limits.directives_per_location {
            return Err(Refusal::over(
                "directives at one place",
                "directives_per_location",
                limits.directives_per_location,
            )
            .at(position));
        }
        self.directives += directives.len();
        if self.directives > limits.directives {
            return Err(Refusal::over("directives", "directives", limits.directives).at(position));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    /// On the path being followed: meeting it again is a cycle.
    Grey,
    Black,
}

/// Sorts fragments so that each comes after all it spreads. Keeps its own stack: a chain of
/// fragments may be far longer than a host's thread stack allows.
fn order<'d>(spreads: &BTreeMap<&'d str, Vec<(&'d str, Pos)>>) -> Result<Vec<&'d str>, Refusal> {
    let mut colours: HashMap<&str, Colour> = HashMap::new();
    let mut ordered = Vec::with_capacity(spreads.len());
    for start in spreads.keys().copied() {
        if colours.contains_key(start) {
            continue;
        }
        colours.insert(start, Colour::Grey);
        let mut path = vec![(start, 0_usize)];
        while let Some((name, next)) = path.last_mut() {
            let Some(&(target, position)) = spreads.get(*name).and_then(|list| list.get(*next))
            else {
                colours.insert(*name, Colour::Black);
                ordered.push(*name);
                path.pop();
                continue;
            };
            *next += 1;
            match colours.get(target) {
                Some(Colour::Black) => {}
                Some(Colour::Grey) => {
                    return Err(Refusal::invalid(format!("Fragment `{target}` spreads itself."))
                        .at(position));
                }
                // A spread of a fragment that is not there is validation's to refuse.
                None if !spreads.contains_key(target) => {}
                None => {
                    colours.insert(target, Colour::Grey);
                    path.push((target, 0));
                }
            }
        }
    }
    Ok(ordered)
}

/// How far something nests below `__schema` or `__type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) depth: usize,
    pub(super) nesting: usize,
}

impl Reach {
    fn max(self, other: Self) -> Self {
        Self { depth: self.depth.max(other.depth), nesting: self.nesting.max(other.nesting) }
    }
}

/// What a selection set amounts to once every spread in it is expanded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Fields, spreads and inline fragments.
    pub(super) selections: usize,
    pub(super) aliases: usize,
    /// Fields of the outermost level.
    pub(super) roots: usize,
    /// Selections within selections, fragments included: how deep validation will recurse.
    pub(super) levels: usize,
    /// Depth of fields outside introspection.
    pub(super) depth: usize,
    /// Below an introspection field within this set.
    pub(super) introspection: Reach,
    /// The same if this whole set stands below an introspection field.
    pub(super) enclosed: Reach,
}

impl Totals {
    /// Adds up a set; `known` holds every fragment it spreads.
    ///
    /// Recursion is bounded by the nesting of the text, which the scan limits.
    pub(super) fn of_set(set: &SelectionSet, known: &HashMap<&str, Self>) -> Self {
        set.items.iter().fold(Self::default(), |sum, selection| {
            sum.beside(match &selection.node {
                Selection::Field(field) => Self::of_set(&field.node.selection_set.node, known)
                    .below(field.node.name.node.as_str(), field.node.alias.is_some()),
                Selection::InlineFragment(inline) => {
                    Self::of_set(&inline.node.selection_set.node, known).spread()
                }
                Selection::FragmentSpread(spread) => known
                    .get(spread.node.fragment_name.node.as_str())
                    .copied()
                    .unwrap_or_default()
                    .spread(),
            })
        })
    }

    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            roots: self.roots.saturating_add(other.roots),
            levels: self.levels.max(other.levels),
            depth: self.depth.max(other.depth),
            introspection: self.introspection.max(other.introspection),
            enclosed: self.enclosed.max(other.enclosed),
        }
    }

    fn spread(self) -> Self {
        Self {
            selections: self.selections.saturating_add(1),
            levels: self.levels.saturating_add(1),
            ..self
        }
    }

    fn below(self, name: &str, aliased: bool) -> Self {
        let list = usize::from(INTROSPECTION_LISTS.contains(&name));
        let enclosed = Reach {
            depth: self.enclosed.depth.saturating_add(1),
            nesting: self.enclosed.nesting.saturating_add(list),
        };
        let entry = matches!(name, "__schema" | "__type");
        Self {
            selections: self.selections.saturating_add(1),
            aliases: self.aliases.saturating_add(usize::from(aliased)),
            roots: 1,
            levels: self.levels.saturating_add(1),
            depth: if entry { 1 } else { self.depth.saturating_add(1) },
            introspection: if entry { enclosed } else { self.introspection },
            enclosed,
        }
    }

    fn check_operation(
        &self,
        operation: &Positioned<OperationDefinition>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        if self.roots > limits.root_fields {
            return Err(
                Refusal::over("root fields", "root_fields", limits.root_fields).at(operation.pos)
            );
        }
        if operation.node.ty == OperationType::Subscription && self.roots != 1 {
            return Err(Refusal::invalid("A subscription selects exactly one root field.")
                .at(operation.pos));
        }
        self.check(limits).map_err(|refusal| refusal.at(operation.pos))
    }

    /// A fragment on a type of the introspection schema can only stand below `__schema`.
    fn check_fragment(
        mut self,
        fragment: &Positioned<FragmentDefinition>,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        if fragment.node.type_condition.node.on.node.starts_with("__") {
            self.introspection = self.enclosed;
            self.depth = 0;
        }
        self.check(limits).map_err(|refusal| refusal.at(fragment.pos))
    }

    fn check(&self, limits: &Limits) -> Result<(), Refusal> {
        let measured = [
            (self.selections, limits.selections, "selections", "selections"),
            (self.aliases, limits.aliases, "aliases", "aliases"),
            (self.levels, limits.nesting, "levels of nesting", "nesting"),
            (self.depth, limits.depth, "levels of fields", "depth"),
            (
                self.introspection.depth,
                limits.introspection_depth,
                "levels of fields below an introspection field",
                "introspection_depth",
            ),
            (
                self.introspection.nesting,
                limits.introspection_nesting,
                "introspection lists within each other",
                "introspection_nesting",
            ),
        ];
        measured
            .into_iter()
            .find(|(value, limit, ..)| value > limit)
            .map_or(Ok(()), |(_, limit, what, name)| Err(Refusal::over(what, name, limit)))
    }
}
