//! What it costs to go from the guest to the host and back, and the other way round.
//!
//! Each case makes [`CALLS`] calls; the times are for one. Damson and wasmi take turns.
//! Where the type of the host data is checked makes cases of Damson's own: when the
//! function is linked, which is the usual way, in each call, or never.

use std::fmt::Write as _;

use clap::Args;

use crate::rounds::cpu_time;
use crate::stats::{median, minimum};

const CALLS: u32 = 100_000;

/// Calls the import for each number, and exports a function for the host to call.
const GUEST: &str = r#"
    (module
      (import "host" "next" (func $next (param i64) (result i64)))
      (func (export "run") (param $n i32) (result i64)
        (local $sum i64)
        (loop $again
          (local.set $sum (call $next (local.get $sum)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
      (func (export "next") (param i64) (result i64)
        (i64.add (local.get 0) (i64.const 1))))
"#;

/// Time calls between guest and host
#[derive(Args)]
pub(crate) struct HostCallsArgs {
    /// How often each case runs
    #[arg(long, default_value_t = 15)]
    rounds: u32,
}

/// Host data that calls read and write.
struct Counter {
    calls: u64,
}

/// Makes [`CALLS`] calls; the result is their number.
type Case = Box<dyn FnMut() -> anyhow::Result<i64>>;

/// The cases that both engines have: their interfaces agree.
macro_rules! cases {
    ($engine:ident) => {
        mod $engine {
            use $engine::{
                Caller, Engine, FuncType, Instance, Linker, Module, Store, Val, ValType,
            };

            use super::{CALLS, Case, Counter, GUEST};

            type Define = fn(&mut Linker<Counter>) -> anyhow::Result<()>;

            pub(super) fn instance(define: Define) -> anyhow::Result<(Store<Counter>, Instance)> {
                let engine = Engine::default();
                let module = Module::new(&engine, wat::parse_str(GUEST)?)?;
                let mut store = Store::new(&engine, Counter { calls: 0 });
                let mut linker = Linker::new(&engine);
                define(&mut linker)?;
                let instance = linker.instantiate_and_start(&mut store, &module)?;
                Ok((store, instance))
            }

            pub(super) fn guest_calls(
                (mut store, instance): (Store<Counter>, Instance),
            ) -> anyhow::Result<Case> {
                let run = instance.get_typed_func::<u32, i64>(&store, "run")?;
                Ok(Box::new(move || Ok(run.call(&mut store, CALLS)?)))
            }

            fn without_data(linker: &mut Linker<Counter>) -> anyhow::Result<()> {
                linker.func_wrap("host", "next", |value: i64| value.wrapping_add(1))?;
                Ok(())
            }

            fn with_data(linker: &mut Linker<Counter>) -> anyhow::Result<()> {
                linker.func_wrap(
                    "host",
                    "next",
                    |mut caller: Caller<'_, Counter>, value: i64| {
                        caller.data_mut().calls += 1;
                        value.wrapping_add(1)
                    },
                )?;
                Ok(())
            }

            fn untyped(linker: &mut Linker<Counter>) -> anyhow::Result<()> {
                let ty = FuncType::new([ValType::I64], [ValType::I64]);
                linker.func_new("host", "next", ty, |mut caller, params, results| {
                    caller.data_mut().calls += 1;
                    let value = params[0].i64().unwrap_or_default();
                    results[0] = Val::I64(value.wrapping_add(1));
                    Ok(())
                })?;
                Ok(())
            }

            pub(super) fn cases() -> anyhow::Result<Vec<(&'static str, Case)>> {
                let typed_host = {
                    let (mut store, instance) = instance(with_data)?;
                    let next = instance.get_typed_func::<i64, i64>(&store, "next")?;
                    move || (0..CALLS).try_fold(0, |sum, _| Ok(next.call(&mut store, sum)?))
                };
                let untyped_host = {
                    let (mut store, instance) = instance(with_data)?;
                    let next = instance.get_func(&store, "next");
                    move || {
                        let next = next.ok_or_else(|| anyhow::anyhow!("no function `next`"))?;
                        let mut sum = [Val::I64(0)];
                        for _ in 0..CALLS {
                            let argument = [sum[0].clone()];
                            next.call(&mut store, &argument, &mut sum)?;
                        }
                        Ok(sum[0].i64().unwrap_or_default())
                    }
                };
                Ok(vec![
                    (
                        "guest to host, typed",
                        guest_calls(instance(without_data)?)?,
                    ),
                    (
                        "  ... that uses the host data",
                        guest_calls(instance(with_data)?)?,
                    ),
                    ("guest to host, untyped", guest_calls(instance(untyped)?)?),
                    ("host to guest, typed", Box::new(typed_host)),
                    ("host to guest, untyped", Box::new(untyped_host)),
                ])
            }
        }
    };
}

cases!(damson);
#[cfg(feature = "wasmi")]
cases!(wasmi);

/// What only Damson has: a function for stores of any data.
fn own_cases() -> anyhow::Result<Vec<(&'static str, Case)>> {
    use ::damson::{AsContextMut, Caller, Engine, Erased, Linker, Module, Store};

    let make = |define: fn(&mut Linker<Erased>) -> anyhow::Result<()>| -> anyhow::Result<Case> {
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str(GUEST)?)?;
        let mut store = Store::new(&engine, Counter { calls: 0 });
        let mut linker = Linker::<Erased>::new(&engine);
        define(&mut linker)?;
        let context = store.as_context_mut().prune();
        let instance = linker.instantiate_and_start(context, &module)?;
        damson::guest_calls((store, instance))
    };
    Ok(vec![
        (
            "  ... for any data, no check",
            make(|linker| {
                linker.func_wrap("host", "next", |value: i64| value.wrapping_add(1))?;
                Ok(())
            })?,
        ),
        (
            "  ... for any data, checked in each call",
            make(|linker| {
                let next = |mut caller: Caller<'_, Erased>, value: i64| {
                    let mut context = caller.as_context_mut().try_context_mut::<Counter>()?;
                    context.data_mut().calls += 1;
                    Ok::<_, ::damson::Error>(value.wrapping_add(1))
                };
                linker.func_wrap("host", "next", next)?;
                Ok(())
            })?,
        ),
    ])
}

/// Runs the command.
///
/// # Errors
///
/// When a call fails or gives a wrong result.
pub(crate) fn run(args: &HostCallsArgs) -> anyhow::Result<()> {
    let mut engines = [
        ("damson", damson::cases()?),
        #[cfg(feature = "wasmi")]
        ("wasmi", wasmi::cases()?),
    ];
    engines[0].1.extend(own_cases()?);

    let mut seconds = vec![vec![Vec::new(); engines[0].1.len()]; engines.len()];
    for _ in 0..args.rounds.max(1) {
        for case in 0..engines[0].1.len() {
            for (engine, seconds) in engines.iter_mut().zip(&mut seconds) {
                let Some((name, run)) = engine.1.get_mut(case) else {
                    continue;
                };
                let start = cpu_time();
                let result = run()?;
                let took = (cpu_time() - start).as_secs_f64();
                anyhow::ensure!(
                    result == i64::from(CALLS),
                    "{}, {name}: expected {CALLS} calls, found {result}",
                    engine.0
                );
                seconds[case].push(took);
            }
        }
    }
    let names: Vec<_> = engines[0].1.iter().map(|(name, _)| *name).collect();
    let has_peer = engines.len() > 1;
    print!(
        "{}",
        table(&names, &seconds[0], has_peer.then(|| &*seconds[1]))
    );
    Ok(())
}

/// Least nanoseconds for each call, and ratios of Damson to wasmi.
fn table(names: &[&str], damson: &[Vec<f64>], wasmi: Option<&[Vec<f64>]>) -> String {
    let mut text = format!(
        "{:44}{:>8}{:>10}{:>8}{:>8}\n",
        "least ns for a call; ratios", "damson", "wasmi", "min", "med"
    );
    for (case, name) in names.iter().enumerate() {
        let least = |seconds: &[f64]| minimum(seconds.iter().copied());
        let nanoseconds = |seconds: f64| seconds / f64::from(CALLS) * 1e9;
        let own = least(&damson[case]);
        let _ = write!(text, "{name:44}{:8.1}", own.map_or(f64::NAN, nanoseconds));
        let peer = wasmi.map_or(&[][..], |wasmi| &wasmi[case]);
        if let (Some(own), Some(least)) = (own, least(peer)) {
            let pairs = damson[case].iter().zip(peer).map(|(own, peer)| own / peer);
            let median = median(pairs).unwrap_or(f64::NAN);
            let (peer, ratio) = (nanoseconds(least), own / least);
            let _ = write!(text, "{peer:10.1}{ratio:8.3}{median:8.3}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_makes_all_its_calls() {
        let mut cases = damson::cases().unwrap();
        cases.extend(own_cases().unwrap());
        assert_eq!(cases.len(), 7);
        for (name, case) in &mut cases {
            assert_eq!(case().unwrap(), i64::from(CALLS), "{name}");
        }
    }

    #[test]
    fn a_call_is_a_part_of_the_time() {
        let damson = [vec![2e-3, 1e-3], vec![3e-3]];
        let wasmi = [vec![4e-3, 4e-3], vec![]];
        let text = table(&["a", "b"], &damson, Some(&wasmi));
        let words: Vec<Vec<_>> = text
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(words[1], ["a", "10.0", "40.0", "0.250", "0.375"]);
        assert_eq!(words[2], ["b", "30.0"]);
    }
}
